import Datasets
import Recipes
import Tasks
import Training

/// A task's side of a run: the loss of a batch, and how the model is judged.
protocol TaskRun: Sendable {
  /// Loss of a batch of training samples.
  var loss: LossFunction { get }

  /// A batch, or a rank's part of one, with the sums that its samples must know of the whole.
  func prepared(_ batch: Batch) -> Batch

  /// Metrics of the validation part by full name, `val/loss` among them; empty where it is empty.
  ///
  /// `features` hold the part's samples as the frozen part of the model leaves them.
  func validation(_ features: OpenFeatures?) throws -> [String: Double]

  /// Measures the model on a part that is not empty, beside the trivial baseline.
  func evaluate(_ part: SplitPart, checkpoint: String, step: Int) throws -> EvaluatedSplit

  /// Parts of the data whose frozen features it can use.
  var storedParts: [SplitPart] { get }

  /// Sentences that a reader of the report must know.
  var notes: [String] { get }
}

extension TaskRun {
  func prepared(_ batch: Batch) -> Batch { batch }
  var notes: [String] { [] }
  var storedParts: [SplitPart] { [.train] }
}

/// One evaluated split: its numbers and the samples that reports show.
struct EvaluatedSplit {
  let record: RunRecord.Evaluation
  let samples: [RunRecord.Sample]
}

/// The side of a run that a task's type stands for.
///
/// - Throws: for what the task cannot do with this model and data, before anything is written.
func taskRun(
  _ plan: RunPlan, model: AssembledModel, data: PreparedData, team: Team
) throws -> any TaskRun {
  switch plan.task {
  case is MaskedPretraining.Type:
    try PretrainingRun(plan, model: model, data: data, team: team)
  case let task as any SampleTask.Type:
    try SampleRun(task, plan, model: model, data: data, team: team)
  default: try PDERun(plan, model: model, data: data, team: team)
  }
}
