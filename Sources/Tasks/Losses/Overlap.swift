import Tensors

/// Soft overlap of predicted and true regions, class by class and sample by sample.
///
/// With p the softmax and g the one-hot truth over the pixels that are not ignored, the score of a class
/// is (Σ p g + ε) / (Σ p g + α Σ p (1 − g) + β Σ (1 − p) g + ε); α = β = 1/2 is Dice
/// (arXiv 1606.04797), others Tversky (arXiv 1706.05721). The loss is 1 − the mean over classes, then
/// over samples; classes that a sample does not have count like the others unless `onlyPresent`.
struct Overlap: Sendable {
  let falsePositives: Double
  let falseNegatives: Double
  let smooth: Double
  let onlyPresent: Bool

  /// From logits `[batch, class, height, width]` and labels i32 `[batch, height, width]`.
  func loss(_ logits: Tensor, _ labels: Tensor, ignoring ignored: Int?) -> Tensor {
    let (batch, classes) = (logits.shape[0], logits.shape[1])
    let pixels = labels.elementCount / max(1, batch)
    let p = logits.reshaped(to: [batch, classes, pixels]).permuted([0, 2, 1]).softmax()
    let (truth, valid) = Self.oneHot(labels, classes, ignoring: ignored)
    let kept = p * valid
    let both = (kept * truth).summed(over: [1])
    let predicted = kept.summed(over: [1])
    let true_ = truth.summed(over: [1])
    // Σ p (1 − g) = Σ p − Σ p g, and the same with the sides changed.
    let rest =
      (predicted - both).scaled(by: falsePositives) + (true_ - both).scaled(by: falseNegatives)
    let ε = Tensor(filledWith: smooth, shape: both.shape, dtype: both.dtype)
    let scores = (both + ε) * (both + rest + ε).reciprocal()
    let counted = Self.weights(truth: true_, onlyPresent: onlyPresent)
    let ones = Tensor(filledWith: 1, shape: scores.shape, dtype: scores.dtype)
    return ((ones - scores) * counted).sum()
  }

  /// Truth `[batch, pixel, class]` and its valid pixels in the same shape.
  private static func oneHot(
    _ labels: Tensor, _ classes: Int, ignoring ignored: Int?
  ) -> (truth: Tensor, valid: Tensor) {
    let shape = [labels.shape[0], labels.elementCount / max(1, labels.shape[0]), classes]
    var truth = [Float](repeating: 0, count: shape.reduce(1, *))
    var valid = truth
    labels.withElements(of: Int32.self) { values in
      for (place, label) in values.enumerated() where ignored.map({ Int32($0) }) != label {
        truth[place * classes + Int(label)] = 1
        for c in 0..<classes { valid[place * classes + c] = 1 }
      }
    }
    return (Tensor(truth, shape: shape), Tensor(valid, shape: shape))
  }

  /// Weights that make the sum over `[batch, 1, class]` a mean over classes, then over samples.
  private static func weights(truth: Tensor, onlyPresent: Bool) -> Tensor {
    let sums = truth.elements(as: Float.self)
    let classes = truth.shape[truth.rank - 1]
    let batch = sums.count / max(1, classes)
    var weights = [Float](repeating: 0, count: sums.count)
    for sample in 0..<batch {
      let row = sample * classes..<(sample + 1) * classes
      let chosen = row.filter { !onlyPresent || sums[$0] > 0 }
      for place in chosen { weights[place] = 1 / Float(batch * chosen.count) }
    }
    return Tensor(weights, shape: truth.shape)
  }
}
