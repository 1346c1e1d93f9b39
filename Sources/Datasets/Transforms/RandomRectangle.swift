internal import Foundation
import Recipes
import Tensors

/// Rectangles whose share of the area is uniform, and whose ratio of sides is uniform in its logarithm.
///
/// The rule of "Going deeper with convolutions" (arXiv 1409.4842, section 6) and of random erasing
/// (arXiv 1708.04896, algorithm 1) as torchvision draws them.
struct RandomRectangle: Sendable {
  /// Draws before it is given up.
  private static let attempts = 10

  /// Bounds of the share of the area.
  private let shares: ClosedRange<Double>
  /// Bounds of the first side over the second.
  private let ratios: ClosedRange<Double>

  /// The options `scale` and `ratio` of a transform.
  static func options(scale: OptionDefault, ratio: OptionDefault, of sides: String) -> OptionTable {
    [
      Option(
        "scale", .list(.number, count: 2...2), default: scale, range: .above(0),
        "share of the image's area, [lowest, highest]"),
      Option(
        "ratio", .list(.number, count: 2...2), default: ratio, range: .above(0),
        "\(sides), [lowest, highest]"),
    ]
  }

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    func range(_ name: String) -> ClosedRange<Double> {
      let ends = options.numbers(name)
      guard ends.count == 2, ends[0] <= ends[1] else {
        diagnostics.error(
          .rule("\(name) is no range", mend: "give [lowest, highest]"), at: options.location,
          path: "\(options.path).\(name)")
        return 1...1
      }
      return ends[0]...ends[1]
    }
    shares = range("scale")
    ratios = range("ratio")
    if shares.upperBound > 1 {
      diagnostics.error(
        .rule("a part of an image is no larger than the image", mend: "give shares up to 1"),
        at: options.location, path: "\(options.path).scale")
    }
  }

  /// Sides of a rectangle in an image of `area` pixels.
  ///
  /// `fits` says whether one can be used; nil after ten that cannot.
  func sides(
    area: Int, _ random: inout Philox, fits: (_ first: Int, _ second: Int) -> Bool
  ) -> (first: Int, second: Int)? {
    for _ in 0..<Self.attempts {
      let target = Double(area) * random.uniform(in: shares)
      let ratio = exp(random.uniform(in: log(ratios.lowerBound)...log(ratios.upperBound)))
      let first = Int((target * ratio).squareRoot().rounded(.toNearestOrEven))
      let second = Int((target / ratio).squareRoot().rounded(.toNearestOrEven))
      if fits(first, second) { return (first, second) }
    }
    return nil
  }

  /// A ratio of sides brought into the bounds.
  func bounded(ratio: Double) -> Double {
    min(max(ratio, ratios.lowerBound), ratios.upperBound)
  }
}
