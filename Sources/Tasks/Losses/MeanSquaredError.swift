package import Recipes
package import Tensors

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
