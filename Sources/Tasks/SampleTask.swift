package import Recipes
package import Tensors

/// What a head or decoder gives for a sample.
package enum OutputForm: Sendable, Equatable {
  /// `[batch, output]`.
  case vector
  /// `[batch, output, height, width]`.
  case map
  /// An image of the input's channels and size, from the backbone itself.
  case image
}

/// A task in which every sample has its inputs and a target, and is judged by itself.
///
/// Three forms of a result: the model's raw *output* (logits), the *prediction* that metrics, files and
/// reports take (probabilities, numbers in the data's unit), and the *target*.
package protocol SampleTask: LearningTask {
  static var output: OutputForm { get }
  /// Whether every sample is a unit of its own, whatever the data group.
  static var isJudgedBySample: Bool { get }

  /// Refuses a target that the task cannot be asked with.
  init(_ target: TargetDescription) throws(TaskError)

  var target: TargetDescription { get }
  /// Outputs of the head or decoder.
  var outputs: Int { get }

  /// Predictions `[batch, …]` from raw outputs; logits stay logits where every pixel has classes.
  func prediction(_ output: Tensor) -> Tensor

  /// What the loss compares: raw outputs and targets, both `[batch, …]`.
  func compared(_ output: Tensor, _ target: Tensor) -> (output: Tensor, target: Tensor)

  /// What the trivial baseline predicts for samples with these fields, like `prediction`.
  func baseline(_ fields: [String: Tensor], input: String) -> Tensor

  /// A judge that has seen nothing; `comparison` is for images.
  func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge
}

extension SampleTask {
  package static var isJudgedBySample: Bool { false }
  package func prediction(_ output: Tensor) -> Tensor { output }

  package func compared(_ output: Tensor, _ target: Tensor) -> (output: Tensor, target: Tensor) {
    (output, target)
  }
}

/// Measures predictions, one unit of the bootstrap after the other.
package protocol Judge: Sendable {
  associatedtype Unit: Sendable, Portable

  /// Evidence of a unit without samples.
  func unit() -> Unit
  /// Adds one sample's prediction and target, without the batch axis, to its unit.
  ///
  /// - Throws: `TaskError` for a target outside the classes.
  func add(prediction: Tensor, target: Tensor, to unit: inout Unit) throws(TaskError)
  /// Takes the evidence of the next unit.
  mutating func collect(_ unit: Unit)

  func results(bootstrap: Bootstrap) -> [RunRecord.Metric]
  /// Metric name to one value for each unit.
  var perUnit: [String: [Double]] { get }
  /// Of all units; nil where there are no classes.
  var confusion: ConfusionMatrix? { get }
  /// Of each unit, as `UnitDecisions` takes them; nil likewise.
  var decisions: [[Int]]? { get }
  /// Bins of a reliability diagram over all units; nil where ECE is not measured.
  var calibration: [RunRecord.CalibrationBin]? { get }
}

extension Judge {
  package var decisions: [[Int]]? { nil }
  package var calibration: [RunRecord.CalibrationBin]? { nil }
}
