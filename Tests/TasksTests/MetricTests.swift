import Foundation
import Recipes
import Tasks
import Tensors
import Testing

/// A line of cells as a trajectory of `frames` frames of one field.
private func line(_ values: [Float], frames: Int = 1) -> Trajectory {
  Trajectory(values, shape: [frames, 1, 1, 1, 1, values.count / frames])
}

private func value<M: ScalarMetric & FieldMetric>(
  _: M.Type, _ prediction: Trajectory, _ truth: Trajectory
) -> Double {
  var metric = M()
  metric.add(prediction: prediction, truth: truth)
  return metric.value
}

/// Values without structure, the same in every run.
private func noise(_ count: Int, seed: UInt64) -> [Float] {
  var random = Philox(seed: seed, purpose: .data, step: 0, index: 0)
  return (0..<count).map { _ in Float(random.uniform()) }
}

@Suite struct MetricTests {
  @Test("VRMSE divides by the spread over the whole trajectory, The Well's by each frame's")
  func twoMeaningsOfVRMSE() {
    let truth = line([0, 2, 10, 14], frames: 2)
    let prediction = line([1, 3, 11, 15], frames: 2)
    // All four values: mean 6.5, variance (42.25 + 20.25 + 12.25 + 56.25) / 4 = 32.75.
    #expect(abs(value(VRMSE.self, prediction, truth) - 1 / (32.75).squareRoot()) < 1e-8)
    // By frame: variances 1 and 4, so errors 1 and 1/2.
    #expect(abs(value(VRMSEWell.self, prediction, truth) - 0.75) < 1e-7)
  }

  @Test("nRMSE divides by the root mean square of the truth")
  func normalized() {
    let found = value(NRMSE.self, line([4, 4]), line([3, 5]))
    #expect(abs(found - (1.0 / 17).squareRoot()) < 1e-8)
  }

  @Test("a constant truth does not divide by zero")
  func constantTruth() {
    let found = value(VRMSE.self, line([1, 1]), line([0, 0]))
    #expect(abs(found - (1 / 1e-7).squareRoot()) < 1e-6)
  }

  @Test("pooled errors of a hand-made case")
  func pooled() {
    let (p, y) = (line([0, 3, -1, 1]), line([0, 0, 0, 0]))
    #expect(abs(value(RMSE.self, p, y) - (11.0 / 4).squareRoot()) < 1e-12)
    #expect(value(MSE.self, p, y) == 11.0 / 4)
    #expect(value(MAE.self, p, y) == 5.0 / 4)
    #expect(value(MaxError.self, p, y) == 3)
    #expect(abs(value(BoundaryError.self, p, y) - (0.5).squareRoot()) < 1e-12)
    #expect(value(ConservedError.self, p, y) == 0.75)
  }

  @Test("the boundary of a plane is its rim, of a volume its hull")
  func boundary() {
    func rim(_ shape: [Int], center: Int) -> Double {
      var inside = [Float](repeating: 1, count: shape.reduce(1, *))
      let truth = inside
      inside[center] = 100
      return value(
        BoundaryError.self, Trajectory(inside, shape: shape), Trajectory(truth, shape: shape))
    }
    #expect(rim([1, 1, 1, 1, 3, 3], center: 4) == 0)
    #expect(rim([1, 1, 1, 3, 3, 3], center: 13) == 0)
    #expect(rim([1, 1, 1, 1, 3, 3], center: 3) > 30)
    #expect(rim([1, 1, 1, 3, 3, 3], center: 4) > 15)
  }

  @Test("the largest error keeps what is not a number")
  func maximum() {
    #expect(value(MaxError.self, line([.nan, 1, 0]), line([0, 0, 0])).isNaN)
    #expect(value(MaxError.self, line([1, .nan, 0]), line([0, 0, 0])).isNaN)
    var merged = MaxError()
    for part in [line([1, -4]), line([2, 3])] {
      var shard = MaxError()
      shard.add(prediction: part, truth: line([0, 0]))
      merged.merge(shard)
    }
    #expect(merged.value == 4)
  }

  @Test("conservation looks at each frame and field, not at their sum")
  func conserved() {
    let found = value(
      ConservedError.self, line([1, 1, -1, -1], frames: 2), line([0, 0, 0, 0], frames: 2))
    #expect(found == 1)
  }

  @Test("PSNR of an error of one tenth is 20 dB")
  func peakSignalToNoise() {
    #expect(abs(value(PSNR.self, line([0.1, 0.1]), line([0, 0.2])) - 20) < 1e-5)
  }

  @Test("SSIM is 1 for equal images and falls with noise")
  func similarity() {
    let shape = [1, 1, 1, 1, 16, 16]
    let image = Trajectory(noise(256, seed: 1), shape: shape)
    let other = Trajectory(noise(256, seed: 2), shape: shape)
    #expect(abs(value(SSIMUniform.self, image, image) - 1) < 1e-12)
    #expect(value(SSIMUniform.self, other, image) < 0.5)
  }

  @Test(
    "a wave's error lies in the band of its wave number",
    arguments: [(1, 0), (4, 0), (5, 1), (12, 1), (13, 2), (31, 2)])
  func bands(wave: Int, band: Int) {
    let error = (0..<64).map { Float(3 * cos(2 * Double.pi * Double(wave * $0) / 64)) }
    var metric = SpectralError()
    metric.add(
      prediction: line(error), truth: line([Float](repeating: 0, count: 64)))
    for index in 0..<3 {
      let expected = index == band ? 3 / (2.0).squareRoot() : 0
      #expect(abs(metric.values[index] - expected) < 1e-6)
    }
  }

  @Test(
    "the squares of the bands add up to the mean squared error",
    arguments: [[2, 1, 1, 1, 1, 30], [1, 2, 1, 1, 27, 32], [1, 1, 2, 9, 10, 28]])
  func parseval(shape: [Int]) {
    let count = shape.reduce(1, *)
    let pair = (
      Trajectory(noise(count, seed: 3), shape: shape),
      Trajectory(noise(count, seed: 4), shape: shape)
    )
    var spectral = SpectralError()
    spectral.add(prediction: pair.0, truth: pair.1)
    let sum = spectral.values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(sum - value(MSE.self, pair.0, pair.1)) < 1e-12)
  }

  @Test("the fast transform is the defining sum", arguments: [1, 2, 3, 7, 8, 12, 30, 49, 64])
  func transform(length: Int) {
    let line = zip(noise(length, seed: 5), noise(length, seed: 6)).map {
      FourierTransform.Complex(real: Double($0), imaginary: Double($1))
    }
    let fast = FourierTransform(length: length).transformed(line)
    for k in 0..<length {
      var sum = FourierTransform.Complex()
      for (j, x) in line.enumerated() {
        let angle = -2 * Double.pi * Double(j * k) / Double(length)
        sum.real += x.real * cos(angle) - x.imaginary * sin(angle)
        sum.imaginary += x.real * sin(angle) + x.imaginary * cos(angle)
      }
      #expect(abs(fast[k].real - sum.real) < 1e-11)
      #expect(abs(fast[k].imaginary - sum.imaginary) < 1e-11)
    }
  }

  @Test("transfer scores need a model from scratch that beats the baseline")
  func transferScores() {
    #expect(TransferScores(naive: 0.1, pretrained: 0.05, scratch: 0.1) == nil)
    #expect(TransferScores(naive: 4, pretrained: 2, scratch: 1)?.optimalityRatio == 2)
  }
}

@Suite struct MetricBatteryTests {
  private static let fieldMetrics = Metrics.all.compactMap { $0 as? any FieldMetric.Type }
  private static let shape = [3, 1, 2, 1, 12, 14]

  private static func unit(_ seed: UInt64) -> (Trajectory, Trajectory) {
    let count = shape.reduce(1, *)
    return (
      Trajectory(noise(count, seed: seed), shape: shape),
      Trajectory(noise(count, seed: seed + 100), shape: shape)
    )
  }

  private static func filled<M: FieldMetric>(_: M.Type, _ seeds: [UInt64]) -> M {
    var metric = M()
    for seed in seeds {
      let (prediction, truth) = unit(seed)
      metric.add(prediction: prediction, truth: truth)
    }
    return metric
  }

  private static func shardGap<M: FieldMetric>(_ type: M.Type) -> Double {
    var merged = filled(type, [1, 2])
    merged.merge(filled(type, [3]))
    let whole = filled(type, [1, 2, 3])
    return zip(merged.values, whole.values).map { abs($0 - $1) }.max() ?? .infinity
  }

  @Test("shards merge to the whole", arguments: fieldMetrics.map { $0.name })
  func shards(name: String) throws {
    let metric = try #require(try Metrics.named(name) as? any FieldMetric.Type)
    #expect(Self.shardGap(metric) < 1e-12)
  }

  @Test("nothing seen is not a number", arguments: fieldMetrics.map { $0.name })
  func empty(name: String) throws {
    let metric = try #require(try Metrics.named(name) as? any FieldMetric.Type)
    #expect(metric.init().values.allSatisfy { $0.isNaN })
    #expect(metric.init().values.count == metric.outputs.count)
  }

  @Test("a perfect prediction is best", arguments: fieldMetrics.map { $0.name })
  func perfect(name: String) throws {
    let metric = try #require(try Metrics.named(name) as? any FieldMetric.Type)
    var accumulator = metric.init()
    let truth = Self.unit(1).1
    accumulator.add(prediction: truth, truth: truth)
    if metric.lowerIsBetter {
      #expect(accumulator.values.allSatisfy { $0 == 0 })
    } else {
      #expect(accumulator.values.allSatisfy { $0 >= 1 })
    }
  }

  @Test("is documented and has a name of its own")
  func documented() {
    let outputs = Metrics.all.flatMap { $0.outputs }
    #expect(Set(outputs).count == outputs.count)
    for metric in Metrics.all { #expect(metric.formula.count > 10, "\(metric.name)") }
  }
}

@Suite struct MetricNameTests {
  @Test("is found with a split before it, and by an output")
  func names() throws {
    #expect(try Metrics.named("val/VRMSE") == VRMSE.self)
    #expect(try Metrics.named("spectral_high") == SpectralError.self)
  }

  @Test("a figure of one class is found where the classes are known")
  func perClass() throws {
    let names = ["open water", "Micro"]
    #expect(try Metrics.named("val/IoU_open water", classNames: names) == MeanIoU.self)
    #expect(try Metrics.named("Recall_Micro", classNames: names) == RecallMicro.self)
    #expect(throws: TaskError.self) { try Metrics.named("IoU_water", classNames: names) }
    #expect(throws: TaskError.self) { try Metrics.named("IoU_open water") }
  }

  @Test(
    "names that mean several things are refused with the names to use",
    arguments: [
      ("Accuracy", ["Accuracy_Micro", "Accuracy_Macro"]),
      ("test/F1_Score", ["F1_Micro", "F1_Macro"]),
      ("F1", ["F1_Micro", "F1_Macro"]),
      ("Precision", ["Precision_Micro", "Precision_Macro"]),
      ("Recall", ["Recall_Micro", "Recall_Macro"]),
      ("AUROC", ["AUROC_Macro"]),
      ("val/mAP", ["mAP_Micro", "mAP_Macro"]),
      ("Dice", ["mDice"]),
      ("Jaccard", ["mIoU"]),
      ("IoU", ["mIoU"]),
    ])
  func ambiguous(name: String, full: [String]) throws {
    let error = try #require(throws: TaskError.self) { try Metrics.named(name) }
    for meaning in full { #expect(throws: Never.self) { try Metrics.named(meaning) } }
    for meaning in full { #expect(error.description.contains(meaning)) }
    #expect(error.description.contains("eval.metrics"))
  }

  @Test("an unknown name is answered with the known ones")
  func unknown() throws {
    let error = try #require(throws: TaskError.self) { try Metrics.named("vrmse") }
    #expect(
      error.description.hasPrefix("metric 'vrmse' is not known; known are Accuracy_Micro, OA"))
  }
}

@Suite struct FieldMetricCollectorTests {
  private func collector(_ scales: [Float], byFrame: Bool = false) -> FieldMetricCollector {
    var collector = FieldMetricCollector(
      [RMSE.self, MaxError.self, SpectralError.self], suffix: "_rollout", dataUnit: "m/s",
      byFrame: byFrame)
    for scale in scales {
      collector.add(
        prediction: line([scale, scale, 2 * scale, 2 * scale], frames: 2),
        truth: line([0, 0, 0, 0], frames: 2))
    }
    return collector
  }

  @Test("gives records with intervals, units and formulas")
  func records() throws {
    let results = collector([1, 2, 3, 4]).results(bootstrap: Bootstrap(resamples: 200))
    #expect(
      results.map(\.name) == [
        "RMSE_rollout", "MaxError_rollout", "spectral_low_rollout", "spectral_mid_rollout",
        "spectral_high_rollout",
      ])
    let rmse = results[0]
    // Pooled: √(2.5 · mean(1, 4, 9, 16)).
    #expect(abs(rmse.value - (2.5 * 7.5).squareRoot()) < 1e-12)
    let (lower, upper) = (try #require(rmse.ciLower), try #require(rmse.ciUpper))
    #expect(lower < rmse.value && rmse.value < upper)
    #expect(rmse.count == 4 && rmse.unit == "m/s" && rmse.lowerIsBetter)
    #expect(results[1].ciLower == nil, "a maximum has no interval")
  }

  @Test("intervals are those of each metric alone")
  func intervals() {
    let bootstrap = Bootstrap(resamples: 100, seed: 8)
    let units = [Float(1), 2, 3, 4].map { scale in
      var unit = RMSE()
      unit.add(
        prediction: line([scale, scale, 2 * scale, 2 * scale], frames: 2),
        truth: line([0, 0, 0, 0], frames: 2))
      return unit
    }
    let record = collector([1, 2, 3, 4]).results(bootstrap: bootstrap)[0]
    let expected = bootstrap.intervals(of: units)[0]
    #expect(record.ciLower == expected?.lower && record.ciUpper == expected?.upper)
  }

  @Test("keeps the order of units and measures frames on their own")
  func series() {
    let collector = collector([1, 2], byFrame: true)
    #expect(collector.perUnit["MaxError_rollout"] == [2, 4])
    let frames = collector.byFrame["RMSE_rollout"]
    #expect(frames?.map { ($0 * $0).rounded() } == [3, 10])
  }

  @Test("merged shards equal one collector")
  func merging() {
    var first = collector([1, 2], byFrame: true)
    first.merge(collector([3], byFrame: true))
    let whole = collector([1, 2, 3], byFrame: true)
    let bootstrap = Bootstrap(resamples: 50)
    #expect(first.results(bootstrap: bootstrap) == whole.results(bootstrap: bootstrap))
    #expect(first.perUnit == whole.perUnit)
  }
}
