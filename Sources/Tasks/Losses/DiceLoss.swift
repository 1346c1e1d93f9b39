package import Recipes
package import Tensors

/// 1 − soft Dice, mean over classes and samples (arXiv 1606.04797).
package struct DiceLoss: Loss {
  package static let name = "dice"
  package static let summary = "1 − soft Dice overlap, mean over the classes of each sample"
  package static let targets: Set<TargetKind> = [.classMap]
  package static let options: OptionTable = [
    Option("smooth", .number, default: 1, range: .above(0), unit: "pixels", "added to both sides"),
    Option(
      "only_present", .boolean, default: false, "leaves out classes that a sample does not have"),
  ]

  private let overlap: Overlap
  private var ignored: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    overlap = Overlap(
      falsePositives: 0.5, falseNegatives: 0.5, smooth: options.number("smooth"),
      onlyPresent: options.bool("only_present"))
  }

  package func fitted(to target: TargetDescription) throws(TaskError) -> DiceLoss {
    var fitted = self
    fitted.ignored = target.ignoreIndex
    return fitted
  }

  package func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor {
    overlap.loss(prediction, target, ignoring: ignored)
  }
}
