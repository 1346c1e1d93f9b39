import Tasks
import Testing

@Suite struct BootstrapTests {
  @Test("percentiles interpolate between order statistics")
  func percentiles() throws {
    let interval = try #require(
      Bootstrap.centralInterval(of: (0...100).map(Double.init).reversed()))
    #expect(abs(interval.lower - 2.5) < 1e-12)
    #expect(abs(interval.upper - 97.5) < 1e-12)
  }

  @Test("of two units resampling gives the smaller, the middle or the larger mean")
  func twoUnits() throws {
    // Means 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4: both ends are reached.
    let interval = try #require(Bootstrap(resamples: 400).interval(ofMean: [0, 1]))
    #expect(interval == ConfidenceInterval(lower: 0, upper: 1))
  }

  @Test("is as wide as the normal approximation for many units")
  func width() throws {
    let values = (0..<400).map { Double($0 % 20) }
    // Standard deviation √((20² − 1)/12) = 5.766, of the mean 0.2883; ± 1.96 of it.
    let interval = try #require(Bootstrap(resamples: 4000).interval(ofMean: values))
    #expect(abs(interval.lower - (9.5 - 0.565)) < 0.03)
    #expect(abs(interval.upper - (9.5 + 0.565)) < 0.03)
  }

  @Test("depends on the seed and on nothing else")
  func seeds() {
    let values = (0..<50).map { Double($0 * $0 % 17) }
    let first = Bootstrap(seed: 1).interval(ofMean: values)
    #expect(first == Bootstrap(seed: 1).interval(ofMean: values))
    #expect(first != Bootstrap(seed: 2).interval(ofMean: values))
  }

  @Test("a paired difference knows what the spread between units hides")
  func paired() throws {
    let difficulty = (0..<64).map { Double($0) }
    let result = Bootstrap().difference(difficulty.map { $0 + 1 }, difficulty)
    #expect(result.mean == 1)
    #expect(result.interval == ConfidenceInterval(lower: 1, upper: 1))
    let interval = try #require(result.interval)
    #expect(!interval.contains(0) && interval.contains(1))
  }

  @Test("one unit, or a value that is no number, gives no interval")
  func noInterval() {
    #expect(Bootstrap().interval(ofMean: [3]) == nil)
    #expect(Bootstrap().interval(ofMean: [3, .nan, 1]) == nil)
    #expect(Bootstrap().intervals(of: [RMSE()]) == [nil])
  }

  @Test("a metric's interval resamples units, not values")
  func metric() throws {
    let units = [1, 3].map { error in
      var unit = MAE()
      let shape = [1, 1, 1, 1, 1, 2]
      unit.add(
        prediction: Trajectory([Float(error), Float(error)], shape: shape),
        truth: Trajectory([0, 0], shape: shape))
      return unit
    }
    let interval = try #require(Bootstrap(resamples: 400).intervals(of: units)[0])
    #expect(interval == ConfidenceInterval(lower: 1, upper: 3))
  }
}
