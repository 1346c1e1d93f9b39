import Recipes
import Tensors

/// A number, or a range from which one is drawn uniformly for every image.
struct DrawnNumber: Sendable {
  static let type = OptionType.either([.number, .list(.number, count: 2...2)])
  private let range: ClosedRange<Double>

  init(_ name: String, _ options: OptionReader, _ diagnostics: Diagnostics) {
    if let number = options.optionalNumber(name) {
      range = number...number
      return
    }
    let ends = options.numbers(name)
    guard ends.count == 2, ends[0] <= ends[1] else {
      diagnostics.error(
        .rule("\(name) is no range", mend: "give [lowest, highest]"), at: options.location,
        path: "\(options.path).\(name)")
      range = 0...0
      return
    }
    range = ends[0]...ends[1]
  }

  func drawn(_ random: inout Philox) -> Double {
    range.lowerBound == range.upperBound
      ? range.lowerBound
      : range.lowerBound + random.uniform() * (range.upperBound - range.lowerBound)
  }
}
