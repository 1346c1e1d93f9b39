package import Recipes
package import Tensors

/// Numbers for each sample.
///
/// Head and loss work on values without unit, (y − mean) / std by the training part; predictions and
/// metrics are in the unit of the data.
package struct Regression: ValueTask {
  package static let name = "regression"
  package static let summary = "numbers for each sample"
  package static let options: OptionTable = []
  package static let target = TargetKind.values
  package static let output = OutputForm.vector

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    try Self.requireSpread(target)
    self.target = target
  }

  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    .repeating(
      target.means.map { Float($0) }, shape: [fields[input]?.shape[0] ?? 1, outputs])
  }
}

/// Numbers for every pixel, those that are unknown left out of loss and metrics.
package struct PixelRegression: ValueTask {
  package static let name = "pixel-regression"
  package static let summary = "a number for every pixel"
  package static let options: OptionTable = []
  package static let target = TargetKind.valueMap
  package static let output = OutputForm.map

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    try Self.requireSpread(target)
    self.target = target
  }

  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    .maps(target.means.map { Float($0) }, like: fields[TargetDescription.field])
  }
}

/// A task whose outputs are numbers in the unit of the data.
package protocol ValueTask: SampleTask {}

extension ValueTask {
  package static var headline: any Metric.Type { RMSE.self }
  package static var standardMetrics: [any Metric.Type] {
    [RMSE.self, MAE.self, R2.self, Bias.self]
  }
  package static var standardLoss: String? { "mse" }
  package static var baselineName: String { "training mean" }

  package static func judges(_ metric: any Metric.Type) -> Bool { metric.isOfValues }

  package var outputs: Int { target.names.count }

  package func prediction(_ output: Tensor) -> Tensor {
    rescaled(output) { $0 * $1.deviation + $1.mean }
  }

  package func compared(_ output: Tensor, _ target: Tensor) -> (output: Tensor, target: Tensor) {
    (output, rescaled(target) { ($0 - $1.mean) / $1.deviation })
  }

  package func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge {
    FieldJudge(values: metrics, unit: target.unit ?? "")
  }

  /// Every value `[batch, value, …]` changed by the mean and deviation of its kind.
  private func rescaled(
    _ values: Tensor, _ change: (Float, (mean: Float, deviation: Float)) -> Float
  ) -> Tensor {
    let moments = zip(target.means, target.deviations).map { (Float($0), Float($1)) }
    let result = values.detached().copied()
    let perValue = values.elementCount / max(1, values.shape[0] * outputs)
    result.withMutableElements(of: Float.self) { elements in
      for place in elements.indices {
        elements[place] = change(elements[place], moments[place / max(1, perValue) % outputs])
      }
    }
    return result
  }

  static func requireSpread(_ target: TargetDescription) throws(TaskError) {
    guard target.kind == Self.target, !target.names.isEmpty else {
      throw .targetUnfit(
        task: name, found: "\(target.kind.meaning) with \(target.names.count) values",
        expected: Self.target.meaning)
    }
    for (name, deviation) in zip(target.names, target.deviations) where !(deviation > 0) {
      throw .targetUnfit(
        task: Self.name, found: "'\(name)' is the same in all training samples",
        expected: "values that differ")
    }
  }
}

extension Metric {
  /// Whether it compares numbers without regard to where they are.
  static var isOfValues: Bool {
    let types: [any Metric.Type] = [
      RMSE.self, MSE.self, MAE.self, R2.self, Bias.self, MaxError.self, NRMSE.self,
    ]
    return types.contains { $0 == Self.self }
  }
}
