package import Recipes
package import Tensors

/// One class for each sample; with a split of a few samples for each class few-shot learning.
package struct Classification: ClassTask {
  package static let name = "classification"
  package static let summary = "one class for each sample"
  package static let options: OptionTable = []
  package static let target = TargetKind.label
  package static let output = OutputForm.vector
  package static let headline: any Metric.Type = AccuracyMicro.self
  package static let standardMetrics: [any Metric.Type] = [
    AccuracyMicro.self, AccuracyMacro.self, F1Macro.self, Kappa.self, ECE.self,
  ]

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    try Self.requireClasses(target)
    self.target = target
  }
}

/// The class of the pixel in the middle of a patch of a scene.
package struct PixelClassification: ClassTask {
  package static let name = "pixel-classification"
  package static let summary = "class of the pixel in the middle of a patch of a scene"
  package static let options: OptionTable = []
  package static let target = TargetKind.label
  package static let output = OutputForm.vector
  package static let headline: any Metric.Type = OverallAccuracy.self
  package static let standardMetrics: [any Metric.Type] = [
    OverallAccuracy.self, AverageAccuracy.self, Kappa.self,
  ]

  package let target: TargetDescription

  package init(_ target: TargetDescription) throws(TaskError) {
    try Self.requireClasses(target)
    self.target = target
  }
}

/// A task whose outputs are logits of exclusive classes.
package protocol ClassTask: SampleTask {}

extension ClassTask {
  package static var standardLoss: String? { "cross-entropy" }
  package static var baselineName: String { "majority class" }

  package static func judges(_ metric: any Metric.Type) -> Bool {
    ClassificationCollector.takes(metric)
  }

  package var outputs: Int { target.names.count }

  /// Probabilities.
  package func prediction(_ output: Tensor) -> Tensor { output.softmax() }

  package func baseline(_ fields: [String: Tensor], input: String) -> Tensor {
    let shape = [fields[input]?.shape[0] ?? 1, outputs]
    return .repeating(target.majorityShares, shape: shape)
  }

  package func judge(_ metrics: [any Metric.Type], _ comparison: ImageComparison) -> any Judge {
    ClassificationJudge(metrics, classNames: target.names, ignored: target.ignoreIndex)
  }

  static func requireClasses(_ target: TargetDescription) throws(TaskError) {
    guard target.kind == Self.target, target.names.count > 1 else {
      throw .targetUnfit(
        task: name, found: "\(target.kind.meaning) with \(target.names.count) classes",
        expected: "\(Self.target.meaning) of two or more classes")
    }
  }
}

extension TargetDescription {
  /// 1 for the class with most training samples, 0 for the others.
  var majorityShares: [Float] {
    let most = counts.indices.max { (counts[$0], $1) < (counts[$1], $0) } ?? 0
    return names.indices.map { $0 == most ? 1 : 0 }
  }
}

extension Tensor {
  /// The values of one row again and again, along the last axis.
  static func repeating(_ row: [Float], shape: [Int]) -> Tensor {
    let times = shape.dropLast().reduce(1, *)
    return Tensor([[Float]](repeating: row, count: times).flatMap(\.self), shape: shape)
  }
}
