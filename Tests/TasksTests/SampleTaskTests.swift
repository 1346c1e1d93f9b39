import Foundation
import Recipes
import Tasks
import Tensors
import TestSupport
import Testing

private func target(
  _ kind: TargetKind, _ names: [String], counts: [Int] = [], means: [Double] = [],
  deviations: [Double] = []
) -> TargetDescription {
  TargetDescription(
    kind: kind, names: names, counts: counts, means: means, deviations: deviations)
}

/// A batch of two samples of one channel and 2×2 pixels with some target.
private func fields(_ target: Tensor) -> [String: Tensor] {
  [
    "image": Tensor((0..<8).map { Float($0) / 8 }, shape: [2, 1, 2, 2]),
    TargetDescription.field: target,
  ]
}

@Suite("Tasks with samples")
struct SampleTaskTests {
  private let two = Tensor([0, 1] as [Int32], shape: [2])

  @Test("classes: probabilities that add up to 1, and the majority class")
  func classes() throws {
    for type in [Classification.self, PixelClassification.self] as [any SampleTask.Type] {
      let task = try type.init(target(.label, ["a", "b", "c"], counts: [3, 5, 5]))
      #expect(task.outputs == 3)
      let p = task.prediction(Tensor([0, log(2), log(3)] as [Float], shape: [1, 3]))
      for (value, expected) in zip(p.elements(as: Float.self), [1.0 / 6, 2.0 / 6, 3.0 / 6]) {
        #expect(abs(Double(value) - expected) < 1e-6)
      }
      let majority = task.baseline(fields(two), input: "image")
      #expect(majority.shape == [2, 3])
      #expect(majority.elements(as: Float.self) == [0, 1, 0, 0, 1, 0])
      #expect(throws: TaskError.self) { try type.init(target(.label, ["a"])) }
      #expect(throws: TaskError.self) { try type.init(target(.classMap, ["a", "b"])) }
    }
  }

  @Test("lists of classes: each by itself, beside its share")
  func labels() throws {
    let task = try Multilabel(target(.labels, ["a", "b"], counts: [1, 3], means: [0.25, 0.75]))
    let p = task.prediction(Tensor([0, log(3)] as [Float], shape: [1, 2]))
    #expect(abs(p.elements(as: Float.self)[1] - 0.75) < 1e-6)
    let y = Tensor([1, 0, 0, 1] as [Float], shape: [2, 2])
    #expect(
      task.baseline(fields(y), input: "image").elements(as: Float.self) == [0.25, 0.75, 0.25, 0.75])
    #expect(throws: TaskError.self) { try Multilabel(target(.label, ["a", "b"])) }
  }

  @Test("segmentation: logits as they are, decisions, and a map of the majority class")
  func maps() throws {
    let task = try Segmentation(target(.classMap, ["a", "b"], counts: [1, 7]))
    let y = Tensor([0, 1, 1, 255, 0, 0, 1, 1] as [Int32], shape: [2, 2, 2])
    let baseline = task.baseline(fields(y), input: "image")
    #expect(baseline.shape == [2, 2, 2, 2])
    var judge = try #require(
      task.judge([MeanIoU.self, Brier.self], ImageComparison()) as? ClassMapJudge)
    for sample in 0..<2 {
      var unit = judge.unit()
      func part(_ tensor: Tensor) -> Tensor {
        tensor.sliced(axis: 0, sample..<(sample + 1)).reshaped(to: Array(tensor.shape.dropFirst()))
      }
      try judge.add(prediction: part(baseline), target: part(y), to: &unit)
      judge.collect(unit)
    }
    // Seven pixels count: class b is right four times, class a is called b three times.
    let results = judge.results(bootstrap: Bootstrap(resamples: 10))
    #expect(abs(try #require(results.first { $0.name == "mIoU" }).value - 2.0 / 7) < 1e-9)
    #expect(abs(try #require(results.first { $0.name == "Brier" }).value - 3 * 2.0 / 7) < 1e-9)
    #expect(judge.confusion?.counts == [0, 3, 0, 4])
    #expect(Tensor([.nan, 1, 2, 1] as [Float], shape: [2, 1, 2]).decisions == [-1, 0])
    #expect(throws: TaskError.self) { try Segmentation(target(.classMap, ["a"])) }
  }

  @Test("numbers: without unit inside, with it outside")
  func values() throws {
    let description = target(.values, ["h", "w"], means: [10, -1], deviations: [2, 0.5])
    let task = try Regression(description)
    let y = Tensor([12, -2, 10, 0] as [Float], shape: [2, 2])
    let compared = task.compared(Tensor([0, 0, 0, 0] as [Float], shape: [2, 2]), y)
    #expect(compared.target.elements(as: Float.self) == [1, -2, 0, 2])
    #expect(task.prediction(compared.target).elements(as: Float.self) == [12, -2, 10, 0])
    #expect(
      task.baseline(fields(y), input: "image").elements(as: Float.self) == [10, -1, 10, -1])
    let constant = target(.values, ["h"], means: [1], deviations: [0])
    #expect {
      _ = try Regression(constant)
    } throws: {
      "\($0)".contains("the same in all training samples")
    }
  }

  @Test("number maps: what is unknown stays so and is not judged")
  func valueMaps() throws {
    let task = try PixelRegression(target(.valueMap, ["h"], means: [10], deviations: [2]))
    let y = Tensor([12, .nan, 10, 8, 14, 10, .nan, 10] as [Float], shape: [2, 1, 2, 2])
    let scaled = task.compared(y, y).target.elements(as: Float.self)
    #expect(scaled[0] == 1 && scaled[1].isNaN && scaled[3] == -1)
    #expect(task.baseline(fields(y), input: "image").shape == [2, 1, 2, 2])
    var judge = try #require(task.judge([MAE.self], ImageComparison()) as? FieldJudge)
    var unit = judge.unit()
    let first = y.sliced(axis: 0, 0..<1).reshaped(to: [1, 2, 2])
    try judge.add(
      prediction: Tensor([12, 99, 11, 10] as [Float], shape: [1, 2, 2]), target: first, to: &unit)
    judge.collect(unit)
    #expect(judge.results(bootstrap: Bootstrap(resamples: 1))[0].value == 1)
  }

  @Test("proportions are shares, beside the mean ones")
  func shares() throws {
    let task = try Proportions(target(.shares, ["a", "b"], means: [0.25, 0.75]))
    let p = task.prediction(Tensor([0, log(3)] as [Float], shape: [1, 2]))
    #expect(abs(p.elements(as: Float.self).reduce(0, +) - 1) < 1e-6)
    let y = Tensor([0.5, 0.5, 1, 0] as [Float], shape: [2, 2])
    #expect(task.baseline(fields(y), input: "image").elements(as: Float.self)[2] == 0.25)
  }

  @Test("restoration is measured against the degraded input, each image by itself")
  func images() throws {
    let task = try Restoration(target(.image, ["gray"]))
    let clean = Tensor((0..<8).map { Float($0) / 8 }, shape: [2, 1, 2, 2])
    let input = fields(clean)
    #expect(
      task.baseline(input, input: "image").elements(as: Float.self)
        == input["image"]?.elements(as: Float.self))
    #expect(Restoration.isJudgedBySample && !Segmentation.isJudgedBySample)
    #expect(throws: TaskError.self) { try Restoration(target(.values, ["a"])) }
  }

  @Test("a task judges by its own metrics")
  func metrics() {
    #expect(Classification.judges(F1Macro.self) && !Classification.judges(HD95.self))
    #expect(Segmentation.judges(HD95.self) && !Segmentation.judges(AUROCMacro.self))
    #expect(Regression.judges(R2.self) && !Regression.judges(SSIM.self))
    #expect(Restoration.judges(PSNR.self) && !Restoration.judges(VRMSE.self))
    #expect(Multilabel.judges(MeanAveragePrecisionMacro.self))
    for task in tasks.entries where task.standardLoss != nil {
      #expect(task.standardMetrics.allSatisfy(task.judges), "\(task.name)")
      let loss = losses[task.standardLoss ?? ""]
      #expect(loss?.targets.contains(task.target) ?? false, "\(task.name)")
      #expect(task.standardMetrics.contains { $0.name == task.headline.name }, "\(task.name)")
    }
  }
}
