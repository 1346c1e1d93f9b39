package import Recipes

/// What a model is asked: which metrics judge it, what it is compared with, how it is trained.
package protocol LearningTask: RegistryEntry, Sendable {
  /// What the task needs of a sample beside its inputs.
  static var target: TargetKind { get }
  /// Metric that heads the report and picks the best checkpoint, where the recipe names none.
  static var headline: any Metric.Type { get }
  /// Metrics where `eval.metrics` names none; the headline among them.
  static var standardMetrics: [any Metric.Type] { get }
  /// Loss where `train.loss` names none; nil where the model has its own and the recipe may not
  /// name one.
  static var standardLoss: String? { get }
  /// What the trivial baseline does, as `last state`.
  static var baselineName: String { get }
  /// Whether `eval.metrics` may name the metric.
  static func judges(_ metric: any Metric.Type) -> Bool
}

/// The tasks that recipes can name.
package let tasks = Registry<any LearningTask.Type>(
  kind: "task",
  [
    Classification.self,
    MaskedPretraining.self,
    Multilabel.self,
    PDETask.self,
    PixelClassification.self,
    PixelRegression.self,
    Proportions.self,
    Regression.self,
    Restoration.self,
    Segmentation.self,
  ])
