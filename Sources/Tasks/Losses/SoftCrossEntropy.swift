package import Recipes
package import Tensors

/// Cross entropy of logits with class shares: −Σ t log p, mean over samples.
package struct SoftCrossEntropy: Loss {
  package static let name = "soft-cross-entropy"
  package static let summary = "softmax cross entropy with class shares"
  package static let targets: Set<TargetKind> = [.shares]
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    softCrossEntropy(prediction, targets: target)
  }
}
