package import Recipes
package import Tensors

/// A training loss that recipes can name.
package protocol Loss: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)
  /// Mean over all elements or samples, a scalar.
  func callAsFunction(prediction: Tensor, target: Tensor) -> Tensor
}

/// The losses that recipes can name.
package let losses = Registry<any Loss.Type>(
  kind: "loss",
  [
    MeanSquaredError.self
  ])

/// Mean of (p − y)² over all elements.
package struct MeanSquaredError: Loss {
  package static let name = "mse"
  package static let summary = "mean squared error over all elements"
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func callAsFunction(prediction: Tensor, target: Tensor) -> Tensor {
    meanSquaredError(prediction, target)
  }
}
