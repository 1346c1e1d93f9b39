package import Layers
package import Recipes
package import Tensors

/// The maps that a neck takes: of which blocks, and with what norm.
package struct NeckInput: Sendable {
  /// Which maps are normalized, each by a layer norm over its channels that is trained with the neck.
  private enum Norm: String, CaseIterable { case none, last, all }

  /// The options of every neck.
  package static let options: OptionTable = [
    Option(
      "blocks", .list(.integer), default: .described("four at even distances, the last among them"),
      range: .atLeast(0), "numbers of the blocks whose maps are taken, from 0, finest level first"),
    Option(
      "norm", .choice(Norm.self), default: "none",
      "layer norm over the channels of no map, of the last, or of all"),
  ]

  package let features: FeatureShape
  /// Numbers of the blocks, in order.
  package let blocks: [Int]
  private let norms: [LayerNorm2D?]

  /// `count` is the number of maps that the neck can take.
  package init(
    _ options: OptionReader, features: FeatureShape, count: ClosedRange<Int>, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    func refuse(_ what: String, mend: String) {
      diagnostics.error(
        .rule(what, mend: mend), at: options.location, path: options.path + ".blocks")
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
    let norm = options.choice("norm", as: Norm.self)
    norms = blocks.indices.map { index in
      norm == .all || norm == .last && index == blocks.count - 1
        ? LayerNorm2D(scope / "norms" / index, channels: features.width) : nil
    }
  }

  /// The maps in the order of the blocks.
  package func callAsFunction(_ features: Features) -> [Tensor] {
    zip(blocks, norms).map { block, norm in
      let map = features.map(block)
      return norm.map { $0(map) } ?? map
    }
  }
}
