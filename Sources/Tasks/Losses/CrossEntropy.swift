package import Recipes
package import Tensors

/// Cross entropy of logits with class labels, for samples or pixels, or with class shares of samples.
///
/// As PyTorch's. Labels: a weighted mean over those that are not ignored, with the target distribution
/// (1 − s) one-hot + s/K under label smoothing s. Shares t: the mean over samples of −Σ w t' log p
/// with t' = (1 − s) t + s/K.
package struct CrossEntropy: Loss {
  package static let name = "cross-entropy"
  package static let summary =
    "softmax cross entropy with class labels or shares, ignored labels left out"
  package static let targets: Set<TargetKind> = [.label, .classMap, .shares]
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
    guard target.dtype == .i32 else { return nil }
    return labelMass(target, ignoring: ignored, weights: weights.values)
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    guard target.dtype == .i32 else {
      return softCrossEntropy(prediction, targets: smoothed(target))
    }
    let logits = prediction.classesLast
    guard let values = weights.values else {
      return crossEntropy(
        logits, labels: target, ignoring: ignored, smoothing: smoothing, divisor: mass)
    }
    return weightedCrossEntropy(
      logits, labels: target, ignoring: ignored, smoothing: smoothing, weights: values,
      divisor: mass)
  }

  /// Shares `[sample, class]` under label smoothing, times the classes' weights.
  ///
  /// Samples of a mixed batch that count less than whole are smoothed by as much less.
  private func smoothed(_ shares: Tensor) -> Tensor {
    guard smoothing > 0 || weights.values != nil else { return shares }
    let classes = shares.shape[shares.rank - 1]
    var values = shares.elements(as: Float.self)
    for start in stride(from: 0, to: values.count, by: classes) {
      let mass = values[start..<(start + classes)].reduce(0, +)
      for place in 0..<classes {
        let share =
          (1 - smoothing) * Double(values[start + place])
          + smoothing * Double(mass) / Double(classes)
        values[start + place] = Float(share * (weights.values?[place] ?? 1))
      }
    }
    return Tensor(values, shape: shares.shape)
  }
}

extension Tensor {
  /// `[batch, class, …]` with the classes as the last axis.
  var classesLast: Tensor {
    rank == 2 ? self : permuted([0] + Array(2..<rank) + [1])
  }
}
