package import Recipes
package import Tensors

/// Judges numbers beside numbers: values of a unit together, or image by image.
package struct FieldJudge: Judge {
  /// Numbers of a unit whose truth is known, or the one image of it.
  package struct Unit: Sendable, Portable {
    fileprivate var prediction: [Float] = []
    fileprivate var truth: [Float] = []
    /// Channel, height, width; nil for values.
    fileprivate var image: [Int]?

    package func write(to writer: inout ByteWriter) {
      writer.append(prediction)
      writer.append(truth)
      writer.append(image ?? [])
    }

    package mutating func read(from reader: inout ByteReader) {
      prediction = reader.array()
      truth = reader.array()
      let shape = reader.array(of: Int.self)
      image = shape.isEmpty ? nil : shape
    }
  }

  private var collector: FieldMetricCollector
  /// Nil for values.
  private let comparison: ImageComparison?

  /// For values whose places do not matter.
  init(values metrics: [any Metric.Type], unit: String) {
    collector = FieldMetricCollector(
      metrics.compactMap { $0 as? any FieldMetric.Type }, dataUnit: unit)
    comparison = nil
  }

  /// For images with values from 0 to 1.
  init(images metrics: [any Metric.Type], _ comparison: ImageComparison) {
    collector = FieldMetricCollector(
      metrics.compactMap { $0 as? any FieldMetric.Type }, dataUnit: "", comparison: comparison)
    self.comparison = comparison
  }

  package func unit() -> Unit { Unit() }

  package func add(
    prediction: Tensor, target: Tensor, to unit: inout Unit
  ) throws(TaskError) {
    let (p, y) = (prediction.elements(as: Float.self), target.elements(as: Float.self))
    guard let comparison else {
      for place in y.indices where !y[place].isNaN {
        unit.prediction.append(p[place])
        unit.truth.append(y[place])
      }
      return
    }
    precondition(unit.image == nil, "two images in one unit")
    try comparison.check(
      components: target.shape[0], height: target.shape[1], width: target.shape[2])
    (unit.prediction, unit.truth, unit.image) = (p, y, target.shape)
  }

  package mutating func collect(_ unit: Unit) {
    let shape =
      unit.image.map { [1, 1, $0[0], 1, $0[1], $0[2]] } ?? [1, 1, 1, 1, 1, unit.truth.count]
    collector.add(
      prediction: Trajectory(unit.prediction, shape: shape),
      truth: Trajectory(unit.truth, shape: shape))
  }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    collector.results(bootstrap: bootstrap)
  }

  package var perUnit: [String: [Double]] { collector.perUnit }
  package var confusion: ConfusionMatrix? { nil }
}
