package import Recipes
package import Tensors

/// Binary cross entropy of logits, class by class, mean over samples and classes.
package struct BinaryCrossEntropy: Loss {
  package static let name = "bce"
  package static let summary = "binary cross entropy of logits, mean over samples and classes"
  package static let targets: Set<TargetKind> = [.labels]
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    binaryCrossEntropy(prediction, targets: target)
  }
}

/// The same number under PyTorch's name for it in multi-label problems.
package struct MultilabelSoftMargin: Loss {
  package static let name = "multilabel-soft-margin"
  package static let summary = "binary cross entropy of logits, mean over classes, then samples"
  package static let targets: Set<TargetKind> = [.labels]
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    binaryCrossEntropy(prediction, targets: target)
  }
}
