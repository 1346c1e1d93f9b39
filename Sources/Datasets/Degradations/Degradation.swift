package import Recipes
package import Tensors

/// A way in which images get worse: makes the input of a restoration task from the clean image.
package protocol Degradation: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// From an image `[channel, height, width]`, values from 0 to 1, to one of the same shape.
  func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor
}

/// The degradations that recipes can name.
package let degradations = Registry<any Degradation.Type>(
  kind: "degradation",
  [
    GaussianBlur.self,
    GaussianNoise.self,
  ])

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

/// The degradations of a recipe in its order, or in a random one.
package struct DegradationSequence: Sendable {
  private let steps: [any Degradation]
  private let isShuffled: Bool
  private let probability: Double
  private let atLeast: Int

  /// Reads `data.degrade`.
  init(_ section: DataSection.Degradation, _ diagnostics: Diagnostics) {
    steps = section.steps.compactMap { component in
      degradations.reading(component, diagnostics).map { type, reader in
        type.init(reader, diagnostics)
      }
    }
    isShuffled = section.order == .random
    probability = section.probability
    atLeast = min(section.atLeast, steps.count)
  }

  /// The degraded image, clipped to 0…1.
  ///
  /// Each step is applied with the recipe's probability; draws with fewer steps than `at_least` are
  /// repeated.
  func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    var order = Array(steps.indices)
    if isShuffled { order = random.permutation(steps.count) }
    var chosen = order.filter { _ in random.uniform() < probability }
    while chosen.count < atLeast, probability > 0 {
      chosen = order.filter { _ in random.uniform() < probability }
    }
    var result = image
    for step in chosen { result = steps[step](result, &random) }
    return Tensor(
      result.elements(as: Float.self).map { min(max($0, 0), 1) }, shape: result.shape)
  }
}
