package import Recipes
package import Tensors

/// A class for every pixel.
package struct Segmentation: SampleTask {
  package static let name = "segmentation"
  package static let summary = "a class for every pixel"
  package static let options: OptionTable = []
  package static let target = TargetKind.classMap
  package static let output = OutputForm.map
  package static let headline: any Metric.Type = MeanIoU.self
  package static let standardMetrics: [any Metric.Type] = [
    MeanIoU.self, MeanDice.self, AccuracyMicro.self, AverageAccuracy.self, F1Macro.self,
  ]
  package static let standardLoss: String? = "cross-entropy"
  package static let baselineName = "majority class"

  package static func judges(_ metric: any Metric.Type) -> Bool {
    ClassMapCollector.takes(metric)
  }

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    guard target.kind == .classMap, target.names.count > 1 else {
      throw .targetUnfit(
        task: Self.name, found: "\(target.kind.meaning) with \(target.names.count) classes",
        expected: "rasters of two or more classes")
    }
    self.target = target
  }

  package var outputs: Int { target.names.count }

  /// Logarithms of 0 and 1: predictions are logits.
  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    .maps(
      target.majorityShares.map { $0 == 1 ? 0 : -.infinity }, like: fields[TargetDescription.field])
  }

  package func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge {
    ClassMapJudge(metrics, classNames: target.names, ignored: target.ignoreIndex)
  }
}
