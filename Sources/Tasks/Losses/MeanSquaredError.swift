package import Recipes
package import Tensors

/// Mean of (p − y)² over all elements whose target is known.
package struct MeanSquaredError: Loss {
  package static let name = "mse"
  package static let summary = "mean squared error over all elements whose target is known"
  package static let targets: Set<TargetKind> = [.frames, .values, .valueMap, .image]
  package static let options: OptionTable = []

  private var mayMiss = false

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func fitted(to target: TargetDescription) throws(TaskError) -> MeanSquaredError {
    var fitted = self
    fitted.mayMiss = target.kind == .valueMap
    return fitted
  }

  package func mass(of target: Tensor) -> Double? {
    mayMiss ? Double(validCount(target)) : nil
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    mayMiss
      ? meanError(prediction, target, .squared, divisor: mass)
      : meanSquaredError(prediction, target)
  }
}
