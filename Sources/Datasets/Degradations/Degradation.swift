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
    Downscale.self,
    GaussianBlur.self,
    GaussianNoise.self,
    JPEG.self,
    MotionBlur.self,
    Rain.self,
  ])

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
