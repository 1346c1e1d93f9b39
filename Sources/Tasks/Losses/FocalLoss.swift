package import Recipes
package import Tensors

/// Cross entropy with less weight on what is already right.
///
/// −(1 − p)^γ log p of the true class (arXiv 1708.02002, equation 5).
package struct FocalLoss: Loss {
  package static let name = "focal"
  package static let summary = "cross entropy that passes over what is already right"
  package static let targets: Set<TargetKind> = [.label, .classMap]
  package static let options: OptionTable = [
    Option("gamma", .number, default: 2, range: .atLeast(0), "0 is cross entropy"),
    ClassWeights.option,
  ]

  private let gamma: Double
  private var weights: ClassWeights
  private var ignored: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    gamma = options.number("gamma")
    weights = ClassWeights(options)
  }

  package func fitted(to target: TargetDescription) throws(TaskError) -> FocalLoss {
    var fitted = self
    fitted.ignored = target.ignoreIndex
    try fitted.weights.fit(to: target, loss: Self.name)
    return fitted
  }

  package func mass(of target: Tensor) -> Double? {
    labelMass(target, ignoring: ignored, weights: weights.values)
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    weightedCrossEntropy(
      prediction.classesLast, labels: target, ignoring: ignored, focus: gamma,
      weights: weights.values, divisor: mass)
  }
}
