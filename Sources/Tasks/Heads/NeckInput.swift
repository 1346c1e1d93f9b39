package import Layers
package import Recipes
package import Tensors

/// The maps that a neck takes: of which blocks, and which after the backbone's final norm.
package struct NeckInput: Sendable {
  /// Which maps are taken after the backbone's final norm.
  private enum Norm: String, CaseIterable { case none, last, all }

  /// The options of every neck.
  package static let options: OptionTable = [
    Option(
      "blocks", .list(.integer), default: .described("four at even distances, the last among them"),
      range: .atLeast(0), "numbers of the blocks whose maps are taken, from 0, finest level first"),
    Option(
      "norm", .choice(Norm.self), default: "none",
      "whether no map, the last or all are taken after the backbone's final norm"),
  ]

  package let features: FeatureShape
  /// Numbers of the blocks, in order.
  package let blocks: [Int]
  private let norm: Norm

  /// `count` is the number of maps that the neck can take.
  package init(
    _ options: OptionReader, features: FeatureShape, count: ClosedRange<Int>,
    _ diagnostics: Diagnostics
  ) {
    func refuse(_ what: String, mend: String, field: String = "blocks") {
      diagnostics.error(
        .rule(what, mend: mend), at: options.location, path: "\(options.path).\(field)")
    }
    let depth = features.blocks
    var blocks = options.ints("blocks")
    if !options.isGiven("blocks") {
      blocks = (1...4).map { $0 * depth / 4 - 1 }
      if depth < 4 {
        refuse(
          "the backbone has \(depth) blocks, fewer than the 4 maps that are taken",
          mend: "name the blocks in model.neck.blocks; one may stand twice")
      }
    } else if let outside = blocks.first(where: { $0 >= depth }) {
      refuse(
        "there is no block \(outside)", mend: "the backbone's blocks are 0 to \(depth - 1)")
    } else if !count.contains(blocks.count) {
      refuse(
        "\(blocks.count) blocks are named",
        mend: count.lowerBound == count.upperBound
          ? "name \(count.lowerBound)" : "name \(count.lowerBound) to \(count.upperBound)")
    }
    self.features = features
    self.blocks = blocks
    norm = options.choice("norm", as: Norm.self)
    if norm != .none, !features.offersNormalizedMaps {
      refuse(
        "the backbone has no maps after its final norm", mend: "leave norm at none", field: "norm")
    }
  }

  /// The maps in the order of the blocks.
  package func callAsFunction(_ features: Features) -> [Tensor] {
    blocks.enumerated().map { index, block in
      features.map(
        block, isNormalized: norm == .all || norm == .last && index == blocks.count - 1)
    }
  }
}
