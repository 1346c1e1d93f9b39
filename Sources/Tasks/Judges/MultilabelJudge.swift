package import Recipes
package import Tensors

/// Judges a probability for each class `[class]` beside classes that hold or not.
package struct MultilabelJudge: Judge {
  private var collector: MultilabelCollector

  init(_ metrics: [any Metric.Type], classNames: [String]) {
    collector = MultilabelCollector(
      metrics.compactMap { $0 as? any ClassMetric.Type }, labelNames: classNames)
  }

  package func unit() -> MultilabelUnit { collector.makeUnit() }

  package func add(
    prediction: Tensor, target: Tensor, to unit: inout MultilabelUnit
  ) throws(TaskError) {
    unit.add(
      truth: target.elements(as: Float.self).map { $0 > 0.5 },
      probabilities: prediction.elements(as: Float.self))
  }

  package mutating func collect(_ unit: MultilabelUnit) { collector.add(unit) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    collector.results(bootstrap: bootstrap)
  }

  package var perUnit: [String: [Double]] { collector.perUnit }
  package var confusion: ConfusionMatrix? { nil }
}
