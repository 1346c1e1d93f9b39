import Foundation
import TestSupport
import Recipes
import Testing

import Tasks

/// The reference computes in float32; sums here are in double precision.
private let float32Tolerance = 2e-6

@Suite(.enabled(if: Shared.isPresent, "../shared is absent"))
struct MetricReferenceTests {
  @Test(
    "agrees with MORPH per trajectory",
    arguments: ["morph/c02_metrics_2d", "morph/c03_metrics_3d"])
  func perTrajectory(name: String) throws {
    let reference = try ReferenceCase(name)
    var collector = FieldMetricCollector([VRMSE.self, NRMSE.self], dataUnit: "")
    for (prediction, truth) in zip(
      try reference.trajectories("input.pred"), try reference.trajectories("input.truth"))
    {
      collector.add(prediction: prediction, truth: truth)
    }
    for (metric, key) in [("VRMSE", "output.vrmse"), ("nRMSE", "output.nrmse")] {
      let expected = try reference.numbers(key)
      let found = try #require(collector.perUnit[metric])
      #expect(found.count == expected.count)
      for (value, stored) in zip(found, expected) {
        #expect(abs(value - Double(stored)) < float32Tolerance, "\(metric)")
      }
    }
    Parity.passed(name)
  }

  @Test(
    "agrees with MORPH over the whole set",
    arguments: ["morph/c02_metrics_2d", "morph/c03_metrics_3d"])
  func pooled(name: String) throws {
    let reference = try ReferenceCase(name)
    var collector = FieldMetricCollector([MSE.self, MAE.self, RMSE.self], dataUnit: "")
    for (prediction, truth) in zip(
      try reference.trajectories("input.pred"), try reference.trajectories("input.truth"))
    {
      collector.add(prediction: prediction, truth: truth)
    }
    for metric in collector.results(bootstrap: Bootstrap(resamples: 10)) {
      let stored = try reference.numbers("output.\(metric.name.lowercased())")[0]
      #expect(abs(metric.value - Double(stored)) < float32Tolerance, "\(metric.name)")
    }
  }

  @Test(
    "PSNR agrees with MORPH, whose set is one unit",
    arguments: ["morph/c02_metrics_2d", "morph/c03_metrics_3d"])
  func peakSignalToNoise(name: String) throws {
    let reference = try ReferenceCase(name)
    let axes = try #require(reference.shapes["input.pred"])
    let shape = [axes[0] * axes[1]] + axes.dropFirst(2)
    var metric = PSNR()
    metric.add(
      prediction: Trajectory(try reference.numbers("input.pred"), shape: shape),
      truth: Trajectory(try reference.numbers("input.truth"), shape: shape))
    #expect(abs(metric.value - Double(try reference.numbers("output.psnr")[0])) < 2e-5)
  }

  @Test("SSIM agrees with MORPH on the first field of the first frame")
  func structuralSimilarity() throws {
    let reference = try ReferenceCase("morph/c03_metrics_3d")
    func firstFields(_ key: String) throws -> [Trajectory] {
      try reference.trajectories(key).map { whole in
        var shape = whole.shape
        (shape.frames, shape.fields) = (1, 1)
        return Trajectory(Array(whole.values.prefix(shape.slices * shape.cells)), shape: shape)
      }
    }
    var metric = SSIMUniform()
    for (p, y) in zip(try firstFields("input.pred"), try firstFields("input.truth")) {
      metric.add(prediction: p, truth: y)
    }
    let stored = Double(try reference.numbers("output.ssim_field0_first_time")[0])
    #expect(abs(metric.value - stored) < float32Tolerance)
  }

  @Test("transfer scores agree with MORPH's table")
  func transferScores() throws {
    struct Table: Decodable {
      struct Row: Decodable {
        let E_nb: Double
        let E_pt: Double
        let E_scratch_full: Double
        let result: [String: Double]
      }
      let cases: [Row]
    }
    let file = URL(filePath: Shared.path("fixtures/morph/c16_transfer_scores.json"))
    let table = try JSONDecoder().decode(Table.self, from: try Data(contentsOf: file))
    #expect(table.cases.count == 6)
    for row in table.cases {
      let scores = try #require(
        TransferScores(naive: row.E_nb, pretrained: row.E_pt, scratch: row.E_scratch_full))
      // The table is rounded to four decimals.
      #expect(abs(scores.gapClosureRatio - row.result["GCR", default: .nan]) < 5.1e-5)
      #expect(abs(scores.optimalityRatio - row.result["OR", default: .nan]) < 5.1e-5)
      #expect(abs(scores.naiveBaselineGain - row.result["NBG", default: .nan]) < 5.1e-5)
    }
    Parity.passed("morph/c16_transfer_scores")
  }
}
