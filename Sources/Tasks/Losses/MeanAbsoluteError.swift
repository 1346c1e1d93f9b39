package import Recipes
package import Tensors

/// Mean of |p − y| over all elements whose target is known.
package struct MeanAbsoluteError: Loss {
  package static let name = "l1"
  package static let summary = "mean absolute error over all elements whose target is known"
  package static let targets: Set<TargetKind> = [.frames, .values, .valueMap, .image]
  package static let options: OptionTable = []

  private var mayMiss = false

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func fitted(to target: TargetDescription) throws(TaskError) -> MeanAbsoluteError {
    var fitted = self
    fitted.mayMiss = target.kind == .valueMap
    return fitted
  }

  package func mass(of target: Tensor) -> Double? {
    mayMiss ? Double(validCount(target)) : nil
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    meanError(prediction, target, .absolute, divisor: mass)
  }
}
