package import Recipes
package import Tensors

/// Judges logits `[class, height, width]` beside a class raster `[height, width]`.
package struct ClassMapJudge: Judge {
  private var collector: ClassMapCollector
  private let ignored: Int
  private let needsProbabilities: Bool

  init(_ metrics: [any Metric.Type], classNames: [String], ignored: Int) {
    let chosen = metrics.compactMap { $0 as? any ClassMetric.Type }
    collector = ClassMapCollector(chosen, classNames: classNames)
    needsProbabilities = chosen.contains { $0 is any ScoreSumMetric.Type }
    self.ignored = ignored
  }

  package func unit() -> ClassMapUnit { collector.makeUnit() }

  package func add(
    prediction: Tensor, target: Tensor, to unit: inout ClassMapUnit
  ) throws(TaskError) {
    let probabilities = needsProbabilities ? prediction.classProbabilities : nil
    try unit.add(
      prediction: prediction.decisions, truth: target.elements(as: Int32.self),
      height: target.shape[0], width: target.shape[1], ignoring: ignored,
      probabilities: probabilities?.elements(as: Float.self))
  }

  package mutating func collect(_ unit: ClassMapUnit) { collector.add(unit) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    collector.results(bootstrap: bootstrap)
  }

  package var perUnit: [String: [Double]] { collector.perUnit }
  package var confusion: ConfusionMatrix? { collector.confusion }
  package var decisions: [[Int]]? { collector.decisions }
  package var calibration: [RunRecord.CalibrationBin]? { collector.calibration }
}

extension Tensor {
  /// Number of the largest value of `[class, …]` at every place, the first of equal ones; -1 where a
  /// value is not a number.
  package var decisions: [Int32] {
    let classes = shape[0]
    let places = elementCount / max(1, classes)
    return withElements(of: Float.self) { values in
      var best = Array(values[0..<places])
      var index = [Int32](repeating: 0, count: places)
      best.withUnsafeMutableBufferPointer { best in
        index.withUnsafeMutableBufferPointer { index in
          for c in 1..<max(1, classes) {
            let plane = c * places
            let number = Int32(c)
            for place in 0..<places {
              let value = values[plane + place]
              // A NaN stays once it is there: nothing compares with it.
              if value > best[place] || value.isNaN {
                best[place] = value
                index[place] = number
              }
            }
          }
          for place in 0..<places where best[place].isNaN { index[place] = -1 }
        }
      }
      return index
    }
  }

  /// Softmax over the first axis of `[class, height, width]`.
  package var classProbabilities: Tensor {
    permuted([1, 2, 0]).softmax().permuted([2, 0, 1])
  }
}
