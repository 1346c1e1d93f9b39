import Recipes
import Tasks
import Tensors
import Testing

/// Values without structure on `[1, 1, channels, 1, height, width]`, the same in every run.
private func image(_ channels: Int, _ height: Int, _ width: Int, seed: UInt64) -> Trajectory {
  var random = Philox(seed: seed, purpose: .data, step: 0, index: 0)
  return Trajectory(
    (0..<channels * height * width).map { _ in Float(random.uniform()) },
    shape: [1, 1, channels, 1, height, width])
}

@Suite struct ImageMetricTests {
  @Test("equal images have an infinite PSNR, which their mean says, with an interval if it has one")
  func infinite() throws {
    var collector = FieldMetricCollector([PSNR.self], dataUnit: "")
    let truth = image(1, 4, 4, seed: 1)
    collector.add(prediction: truth, truth: truth)
    collector.add(prediction: image(1, 4, 4, seed: 2), truth: truth)
    let record = collector.results(bootstrap: Bootstrap(resamples: 200))[0]
    #expect(record.value == .infinity && record.ciUpper == .infinity)
    #expect(try #require(record.ciLower).isFinite, "resamples without the equal image")
    #expect(record.formula.contains("infinite"))
  }

  @Test("an image smaller than the window has no SSIM")
  func small() {
    for (height, width) in [(10, 20), (20, 10)] {
      var metric = SSIM()
      metric.add(
        prediction: image(1, height, width, seed: 1), truth: image(1, height, width, seed: 2))
      #expect(metric.value.isNaN)
    }
  }

  @Test("the window's weights make a single bright pixel count as the Gaussian says")
  func window() {
    // One window position only: all moments are weighted sums over the 11 × 11 pixels.
    var values = [Float](repeating: 0, count: 121)
    values[60] = 1
    let truth = Trajectory(values, shape: [1, 1, 1, 1, 11, 11])
    let flat = Trajectory([Float](repeating: 0, count: 121), shape: [1, 1, 1, 1, 11, 11])
    var metric = SSIM()
    metric.add(prediction: flat, truth: truth)
    let weights = (-5...5).map { exponential(-Double($0 * $0) / 4.5) }
    let center = 1 / (weights.reduce(0, +) * weights.reduce(0, +))
    let expected = 1e-4 * 9e-4 / ((center * center + 1e-4) * (center - center * center + 9e-4))
    #expect(abs(metric.value / expected - 1) < 1e-9)
  }

  /// e^x by its series.
  private func exponential(_ x: Double) -> Double {
    var (term, sum) = (1.0, 1.0)
    for index in 1..<80 {
      term *= x / Double(index)
      sum += term
    }
    return sum
  }

  @Test("a border is left out on all sides, and says so in the formula")
  func border() {
    var values = [Float](repeating: 9, count: 5 * 6 * 3)
    for channel in 0..<3 {
      for row in 1..<4 {
        for column in 1..<5 {
          values[channel * 30 + row * 6 + column] = Float(100 * channel + 10 * row + column)
        }
      }
    }
    let comparison = ImageComparison(border: 1)
    let cropped = comparison.prepared(Trajectory(values, shape: [1, 1, 3, 1, 5, 6]))
    #expect(
      cropped.shape
        == Trajectory([Float](repeating: 0, count: 36), shape: [1, 1, 3, 1, 3, 4]).shape)
    #expect(cropped.values.prefix(5) == [11, 12, 13, 14, 21] && cropped.values.last == 234)
    #expect(comparison.note == "; 1 pixels along each edge are left out")
    #expect(ImageComparison(colorSpace: .y, border: 4).note.contains("BT.601"))
  }

  @Test("white and black have MATLAB's luma")
  func luma() {
    let comparison = ImageComparison(colorSpace: .y)
    let luma = comparison.prepared(Trajectory([0, 1, 0, 1, 0, 1], shape: [1, 1, 3, 1, 1, 2]))
    #expect(abs(luma.values[0] - 16 / 255) < 1e-7 && abs(luma.values[1] - 235 / 255) < 1e-7)
  }

  @Test("luma of two channels, and a border without an inside, are refused")
  func refusals() throws {
    var error = try #require(throws: TaskError.self) {
      try ImageComparison(colorSpace: .y).check(components: 2, height: 9, width: 9)
    }
    #expect(error.description.contains("eval.color_space") && error.description.contains("not 2"))
    error = try #require(throws: TaskError.self) {
      try ImageComparison(border: 4).check(components: 3, height: 8, width: 20)
    }
    #expect(error.description.contains("eval.border"))
    try ImageComparison(colorSpace: .y, border: 4).check(components: 3, height: 9, width: 20)
  }

  @Test("numbered units give the same bits from any shards, frames included")
  func shards() {
    let metrics = Metrics.all.compactMap { $0 as? any FieldMetric.Type }
    func unit(_ number: Int) -> (Trajectory, Trajectory) {
      let shape = [2, 1, 1, 1, 12, 13]
      let (p, y) = (
        image(2, 12, 13, seed: UInt64(number)), image(2, 12, 13, seed: UInt64(number + 100))
      )
      return (Trajectory(p.values, shape: shape), Trajectory(y.values, shape: shape))
    }
    func collected(_ shards: Int) -> FieldMetricCollector {
      var parts = (0..<shards).map { _ in
        FieldMetricCollector(metrics, dataUnit: "m", byFrame: true)
      }
      for number in 0..<9 {
        let (prediction, truth) = unit(number)
        parts[number % shards].add(prediction: prediction, truth: truth, number: number)
      }
      var merged = parts[shards - 1]
      for part in parts.dropLast() { merged.merge(part) }
      return merged
    }
    let whole = collected(1)
    let expected = whole.results(bootstrap: Bootstrap(resamples: 20))
    #expect(expected.allSatisfy { !$0.value.isNaN })
    for shards in [2, 4] {
      let merged = collected(shards)
      #expect(merged.results(bootstrap: Bootstrap(resamples: 20)) == expected)
      #expect(merged.perUnit == whole.perUnit && merged.byFrame == whole.byFrame)
    }
  }

  @Test("a unit that counts twice is a programming error")
  func twice() async {
    await #expect(processExitsWith: .failure) {
      let value = Trajectory([1], shape: [1, 1, 1, 1, 1, 1])
      var collector = FieldMetricCollector([MAE.self], dataUnit: "")
      for _ in 0..<2 { collector.add(prediction: value, truth: value, number: 3) }
      _ = collector.perUnit
    }
  }

  @Test("regression of units without a valid value, and of a constant truth")
  func regression() {
    func value<M: FieldMetric>(_: M.Type, _ units: [([Float], [Float])]) -> Double {
      var metric = M()
      for (p, y) in units {
        let shape = [1, 1, 1, 1, 1, y.count]
        metric.add(prediction: Trajectory(p, shape: shape), truth: Trajectory(y, shape: shape))
      }
      return metric.values[0]
    }
    let units: [([Float], [Float])] = [([], []), ([1, 3], [2, 2]), ([], []), ([5], [8])]
    #expect(value(Bias.self, units) == -1)
    #expect(value(MAE.self, units) == 5.0 / 3)
    // Σ (p − y)² = 11, ȳ = 4, Σ (y − ȳ)² = 24.
    #expect(abs(value(R2.self, units) - (1 - 11.0 / 24)) < 1e-15)
    #expect(value(R2.self, [([1, 3], [2, 2])]).isNaN)
    #expect(value(R2.self, [([], [])]).isNaN && value(Bias.self, [([], [])]).isNaN)
    #expect(!Bias.isOrdered && R2.isOrdered)
  }
}
