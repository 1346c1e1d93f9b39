package import Recipes
package import Tensors

/// 1 − Tversky index, mean over classes and samples (arXiv 1706.05721).
package struct TverskyLoss: Loss {
  package static let name = "tversky"
  package static let summary = "1 − Tversky index: false positives and negatives weighed apart"
  package static let targets: Set<TargetKind> = [.classMap]
  package static let options: OptionTable = [
    Option("alpha", .number, default: 0.3, range: .atLeast(0), "weight of false positives"),
    Option("beta", .number, default: 0.7, range: .atLeast(0), "weight of false negatives"),
    Option("smooth", .number, default: 1, range: .above(0), unit: "pixels", "added to both sides"),
    Option(
      "only_present", .boolean, default: false, "leaves out classes that a sample does not have"),
  ]

  private let overlap: Overlap
  private var ignored: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    overlap = Overlap(
      falsePositives: options.number("alpha"), falseNegatives: options.number("beta"),
      smooth: options.number("smooth"), onlyPresent: options.bool("only_present"))
  }

  package func fitted(to target: TargetDescription) throws(TaskError) -> TverskyLoss {
    var fitted = self
    fitted.ignored = target.ignoreIndex
    return fitted
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    overlap.loss(prediction, target, ignoring: ignored)
  }
}
