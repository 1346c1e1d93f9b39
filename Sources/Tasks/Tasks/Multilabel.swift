package import Recipes
package import Tensors

/// Any number of classes for each sample.
package struct Multilabel: SampleTask {
  package static let name = "multilabel"
  package static let summary = "any number of classes for each sample"
  package static let options: OptionTable = []
  package static let target = TargetKind.labels
  package static let output = OutputForm.vector
  package static let headline: any Metric.Type = MeanAveragePrecisionMacro.self
  package static let standardMetrics: [any Metric.Type] = [
    MeanAveragePrecisionMacro.self, MeanAveragePrecisionMicro.self, F1Macro.self, F1Micro.self,
  ]
  package static let standardLoss: String? = "multilabel-soft-margin"
  package static let baselineName = "class shares"

  package static func judges(_ metric: any Metric.Type) -> Bool {
    MultilabelCollector.takes(metric)
  }

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    guard target.kind == .labels, !target.names.isEmpty else {
      throw .targetUnfit(
        task: Self.name, found: "\(target.kind.meaning) with \(target.names.count) classes",
        expected: "lists of one or more classes")
    }
    self.target = target
  }

  package var outputs: Int { target.names.count }

  /// A probability for each class by itself.
  package func prediction(_ output: Tensor) -> Tensor { output.sigmoid() }

  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    .repeating(
      target.means.map { Float($0) }, shape: [fields[input]?.shape[0] ?? 1, outputs])
  }

  package func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge {
    MultilabelJudge(metrics, classNames: target.names)
  }
}
