package import Recipes
package import Tensors

/// Judges probabilities `[class]` beside a class number.
package struct ClassificationJudge: Judge {
  private var collector: ClassificationCollector
  private let ignored: Int

  init(_ metrics: [any Metric.Type], classNames: [String], ignored: Int) {
    collector = ClassificationCollector(
      metrics.compactMap { $0 as? any ClassMetric.Type }, classNames: classNames)
    self.ignored = ignored
  }

  package func unit() -> ClassificationUnit { collector.makeUnit() }

  package func add(
    prediction: Tensor, target: Tensor, to unit: inout ClassificationUnit
  ) throws(TaskError) {
    let label = Int(target.elements(as: Int32.self)[0])
    guard label != ignored else { return }
    try unit.add(truth: label, probabilities: prediction.elements(as: Float.self))
  }

  package mutating func collect(_ unit: ClassificationUnit) { collector.add(unit) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    collector.results(bootstrap: bootstrap)
  }

  package var perUnit: [String: [Double]] { collector.perUnit }
  package var confusion: ConfusionMatrix? { collector.confusion }
  package var decisions: [[Int]]? { collector.decisions }
  package var calibration: [RunRecord.CalibrationBin]? { collector.calibration }
}
