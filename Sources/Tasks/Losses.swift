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
    MeanSquaredError.self,
    PSNRLoss.self,
  ])
