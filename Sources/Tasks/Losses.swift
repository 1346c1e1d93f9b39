package import Recipes
package import Tensors

/// A training loss that recipes can name.
///
/// Class outputs are logits `[batch, class]` or `[batch, class, height, width]`; what else is compared
/// has the shape of its target.
package protocol Loss: RegistryEntry, Sendable {
  /// What it can be compared with.
  static var targets: Set<TargetKind> { get }

  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// The loss for a target as the data hold it, where class weights or ignored classes matter.
  func fitted(to target: TargetDescription) throws(TaskError) -> Self

  /// What a mean over a batch divides by where that is not the number of its samples or elements:
  /// the pixels that are not ignored.
  ///
  /// Parts of a batch that are worked on side by side all divide by their share of the whole
  /// batch's, so that the result does not depend on the parts.
  func mass(of target: Tensor) -> Double?

  /// Mean over all elements or samples, a scalar; the sum is divided by `mass` where given.
  func callAsFunction(prediction: Tensor, target: Tensor, mass: Double?) -> Tensor
}

extension Loss {
  package func fitted(to target: TargetDescription) throws(TaskError) -> Self { self }
  package func mass(of target: Tensor) -> Double? { nil }

  /// Over a whole batch.
  package func callAsFunction(prediction: Tensor, target: Tensor) -> Tensor {
    self(prediction: prediction, target: target, mass: nil)
  }
}

/// The losses that recipes can name.
package let losses = Registry<any Loss.Type>(
  kind: "loss",
  [
    BinaryCrossEntropy.self,
    CrossEntropy.self,
    DiceLoss.self,
    FocalLoss.self,
    MeanAbsoluteError.self,
    MeanSquaredError.self,
    MultilabelSoftMargin.self,
    PSNRLoss.self,
    SoftCrossEntropy.self,
    TverskyLoss.self,
  ])

/// A weighted sum of losses.
package struct LossSum: Sendable {
  package let terms: [(loss: any Loss, weight: Double)]

  package init(_ terms: [(loss: any Loss, weight: Double)]) { self.terms = terms }

  package func fitted(to target: TargetDescription) throws(TaskError) -> LossSum {
    var fitted: [(loss: any Loss, weight: Double)] = []
    for term in terms { fitted.append((try term.loss.fitted(to: target), term.weight)) }
    return LossSum(fitted)
  }

  /// Masses of a whole batch, term by term.
  package func masses(of target: Tensor) -> [Double?] { terms.map { $0.loss.mass(of: target) } }

  /// `masses` are those of the batch that this is part of, scaled to the part; nil takes its own.
  package func callAsFunction(
    prediction: Tensor, target: Tensor, masses: [Double?]? = nil
  ) -> Tensor {
    var sum: Tensor?
    for (number, term) in terms.enumerated() {
      let value = term.loss(
        prediction: prediction, target: target, mass: masses?[number])
      let weighted = term.weight == 1 ? value : value.scaled(by: term.weight)
      sum = sum.map { $0 + weighted } ?? weighted
    }
    guard let sum else { preconditionFailure("a loss without terms") }
    return sum
  }
}
