package import Recipes
package import Tensors

/// Shares of classes in each sample, which add up to 1.
package struct Proportions: SampleTask {
  package static let name = "proportions"
  package static let summary = "class shares of each sample, which add up to 1"
  package static let options: OptionTable = []
  package static let target = TargetKind.shares
  package static let output = OutputForm.vector
  package static let headline: any Metric.Type = MAE.self
  package static let standardMetrics: [any Metric.Type] = [MAE.self, RMSE.self, R2.self]
  package static let standardLoss: String? = "soft-cross-entropy"
  package static let baselineName = "mean shares"

  package static func judges(_ metric: any Metric.Type) -> Bool { metric.isOfValues }

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    guard target.kind == .shares, target.names.count > 1 else {
      throw .targetUnfit(
        task: Self.name, found: "\(target.kind.meaning) of \(target.names.count) classes",
        expected: "shares of two or more classes")
    }
    self.target = target
  }

  package var outputs: Int { target.names.count }

  package func prediction(_ output: Tensor) -> Tensor { output.softmax() }

  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    .repeating(
      target.means.map { Float($0) }, shape: [fields[input]?.shape[0] ?? 1, outputs])
  }

  package func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge {
    FieldJudge(values: metrics, unit: "")
  }
}
