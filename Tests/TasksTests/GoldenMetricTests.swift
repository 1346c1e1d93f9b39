import Recipes
import Tasks
import Testing

/// Reference and ours both sum in double precision.
private let doubleTolerance = 1e-9
/// torchmetrics sums in single precision.
private let singleTolerance = 1e-6
/// Pixels of single precision, whose luma is rounded to it once more here.
private let imageTolerance = 1e-5

@Suite struct GoldenMetricTests {
  private static let none = Bootstrap(resamples: 1)

  @Test("classification agrees with scikit-learn and torchmetrics", arguments: 0..<3)
  func multiclass(number: Int) throws {
    let golden = try GoldenMetrics.stored().multiclass[number]
    let names = (0..<golden.classes).map { "c\($0)" }
    let metrics = Metrics.all.compactMap { metric in
      ClassificationCollector.takes(metric) ? metric as? any ClassMetric.Type : nil
    }
    var collector = ClassificationCollector(metrics, classNames: names)
    for (truth, probabilities) in zip(golden.truth, golden.probabilities) {
      var unit = collector.makeUnit()
      try unit.add(truth: truth, probabilities: probabilities)
      collector.add(unit)
    }
    let records = collector.results(bootstrap: Self.none)
    var expected = golden.expected
    let calibration = try #require(expected["ECE"])
    expected["ECE"] = nil
    try expected.check(records, classNames: names, within: doubleTolerance)
    try golden.torchmetrics.merging(["ECE": calibration]) { $1 }
      .check(records, classNames: names, within: singleTolerance)
  }

  @Test("the same samples as pixels of a map have the same figures", arguments: 0..<3)
  func asMap(number: Int) throws {
    let golden = try GoldenMetrics.stored().multiclass[number]
    let names = (0..<golden.classes).map { "c\($0)" }
    let metrics = Metrics.all.compactMap { metric in
      ClassificationCollector.takes(metric) && ClassMapCollector.takes(metric)
        ? metric as? any ClassMetric.Type : nil
    }
    var samples = ClassificationCollector(metrics, classNames: names)
    var unit = samples.makeUnit()
    for (truth, probabilities) in zip(golden.truth, golden.probabilities) {
      try unit.add(truth: truth, probabilities: probabilities)
    }
    samples.add(unit)
    var maps = ClassMapCollector(metrics, classNames: names)
    var map = maps.makeUnit()
    try map.add(
      prediction: golden.probabilities.map { row in
        Int32(row.firstIndex(of: row.max() ?? 0) ?? 0)
      },
      truth: golden.truth.map(Int32.init), height: 2, width: golden.truth.count / 2, ignoring: 255,
      probabilities: names.indices.flatMap { index in golden.probabilities.map { $0[index] } })
    maps.add(map)
    let (found, expected) = (
      maps.results(bootstrap: Self.none), samples.results(bootstrap: Self.none)
    )
    #expect(found.map(\.name) == expected.map(\.name) && found.contains { $0.name == "ECE" })
    for (map, sample) in zip(found, expected) {
      #expect(map.value == sample.value || map.value.isNaN && sample.value.isNaN, "\(map.name)")
    }
    #expect(maps.confusion == samples.confusion)
  }

  @Test("multilabel decisions and scores agree with scikit-learn and torchmetrics")
  func multilabel() throws {
    let golden = try GoldenMetrics.stored().multilabel
    let names = golden.truth[0].indices.map { "l\($0)" }
    let metrics = Metrics.all.compactMap { metric in
      MultilabelCollector.takes(metric) ? metric as? any ClassMetric.Type : nil
    }
    var collector = MultilabelCollector(metrics, labelNames: names)
    for (truth, probabilities) in zip(golden.truth, golden.probabilities) {
      var unit = collector.makeUnit()
      unit.add(truth: truth.map { $0 == 1 }, probabilities: probabilities)
      collector.add(unit)
    }
    let records = collector.results(bootstrap: Self.none)
    try golden.expected.check(records, classNames: names, within: doubleTolerance)
    try golden.torchmetrics.check(records, classNames: names, within: singleTolerance)
  }

  @Test("maps agree with medpy, scipy and torchmetrics")
  func maps() throws {
    let golden = try GoldenMetrics.stored().maps
    let names = (0..<golden.classes).map { "c\($0)" }
    let metrics: [any ClassMetric.Type] = [
      HD95.self, BoundaryIoU.self, MeanIoU.self, MeanDice.self,
    ]
    var collector = ClassMapCollector(metrics, classNames: names)
    for map in golden.maps {
      var unit = collector.makeUnit()
      func labels(_ digits: String) -> [Int32] { digits.utf8.map { Int32($0) - 48 } }
      try unit.add(
        prediction: labels(map.prediction), truth: labels(map.truth), height: map.height,
        width: map.width, ignoring: golden.ignored)
      collector.add(unit)
    }
    let records = collector.results(bootstrap: Self.none)
    try golden.expected.check(records, classNames: names, within: singleTolerance)
  }

  @Test("regression agrees with scikit-learn, also where its values come in several units")
  func regression() throws {
    let golden = try GoldenMetrics.stored().regression
    var collector = FieldMetricCollector(
      [R2.self, MSE.self, RMSE.self, MAE.self, MaxError.self, Bias.self], dataUnit: "Mg/ha")
    var start = 0
    for count in [20, 0, 1, 43] {
      let shape = [1, 1, 1, 1, 1, count]
      collector.add(
        prediction: Trajectory(Array(golden.prediction[start..<start + count]), shape: shape),
        truth: Trajectory(Array(golden.truth[start..<start + count]), shape: shape))
      start += count
    }
    #expect(start == golden.truth.count)
    for record in collector.results(bootstrap: Self.none) {
      let expected = try #require(golden.expected[record.name])
      #expect(abs(record.value - expected) <= doubleTolerance * abs(expected), "\(record.name)")
    }
  }

  @Test("images agree with scikit-image and torchmetrics, in color and as cropped luma")
  func images() throws {
    let golden = try GoldenMetrics.stored().images
    for image in golden.images {
      let shape = [1, 1, 3, 1, image.height, image.width]
      func figures(_ comparison: ImageComparison) -> [String: Double] {
        var collector = FieldMetricCollector(
          [PSNR.self, SSIM.self], dataUnit: "", comparison: comparison)
        collector.add(
          prediction: Trajectory(image.noisy, shape: shape),
          truth: Trajectory(image.clean, shape: shape))
        return collector.perUnit.mapValues { $0[0] }
      }
      let color = figures(ImageComparison())
      let luma = figures(ImageComparison(colorSpace: .y, border: golden.border))
      for (found, name) in [
        (color["PSNR"], "PSNR"), (color["SSIM"], "SSIM"), (color["SSIM"], "SSIM_torchmetrics"),
        (luma["PSNR"], "PSNR_y_cropped"), (luma["SSIM"], "SSIM_y_cropped"),
      ] {
        let (found, expected) = (try #require(found), try #require(image.expected[name]))
        #expect(abs(found - expected) <= imageTolerance * abs(expected), "\(name): \(found)")
      }
    }
  }

  @Test("paired tests agree with scipy")
  func paired() throws {
    let golden = try GoldenMetrics.stored().paired
    for row in golden.sign_flip {
      let zeros = [Double](repeating: 0, count: row.differences.count)
      let found = try #require(PairedTest.signFlip(row.differences, zeros))
      #expect(abs(found - row.p) < doubleTolerance)
    }
    for row in golden.mcnemar {
      let found = PairedTest.mcNemar(onlyFirst: row.first, onlySecond: row.second)
      #expect(abs(found - row.p) <= doubleTolerance * row.p, "\(row.first) and \(row.second)")
    }
  }
}
