package import Recipes
package import Tensors

/// Cross entropy of logits with class labels, for samples or pixels.
///
/// As PyTorch's: a weighted mean over the labels that are not ignored, with the target distribution
/// (1 − s) one-hot + s/K under label smoothing s.
package struct CrossEntropy: Loss {
  package static let name = "cross-entropy"
  package static let summary = "softmax cross entropy with class labels, ignored ones left out"
  package static let targets: Set<TargetKind> = [.label, .classMap]
  package static let options: OptionTable = [
    Option(
      "label_smoothing", .number, default: 0, range: .within(0..<1),
      "share of the target spread over all classes"),
    ClassWeights.option,
  ]

  private let smoothing: Double
  private var weights: ClassWeights
  private var ignored: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    smoothing = options.number("label_smoothing")
    weights = ClassWeights(options)
  }

  package func fitted(to target: TargetDescription) throws(TaskError) -> CrossEntropy {
    var fitted = self
    fitted.ignored = target.ignoreIndex
    try fitted.weights.fit(to: target, loss: Self.name)
    return fitted
  }

  package func mass(of target: Tensor) -> Double? {
    labelMass(target, ignoring: ignored, weights: weights.values)
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    let logits = prediction.classesLast
    guard let values = weights.values else {
      return crossEntropy(
        logits, labels: target, ignoring: ignored, smoothing: smoothing, divisor: mass)
    }
    return weightedCrossEntropy(
      logits, labels: target, ignoring: ignored, smoothing: smoothing, weights: values,
      divisor: mass)
  }
}

extension Tensor {
  /// `[batch, class, …]` with the classes as the last axis.
  var classesLast: Tensor {
    rank == 2 ? self : permuted([0] + Array(2..<rank) + [1])
  }
}
