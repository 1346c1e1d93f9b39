import Recipes
import Tasks
import Tensors
import Testing

private let names = ["water", "forest", "town"]
private let all = Metrics.all.compactMap { metric -> (any ClassMetric.Type)? in
  ClassMapCollector.takes(metric) && !(metric is any ScoreSumMetric.Type)
    ? metric as? any ClassMetric.Type : nil
}
private let ignored = 255

/// Blocks of classes with some pixels changed in the prediction, the same in every run.
private func maps(
  _ number: Int, height: Int = 14, width: Int = 17
) -> (prediction: [Int32], truth: [Int32]) {
  var random = Philox(seed: 7, purpose: .data, step: number, index: 0)
  let blocks = (0..<24).map { _ in Int32(random.below(3)) }
  let truth = (0..<height * width).map { blocks[($0 / width / 4) * 6 + $0 % width / 3] }
  let prediction = truth.map { random.below(5) == 0 ? Int32(random.below(3)) : $0 }
  return (prediction, truth.map { random.below(20) == 0 ? Int32(ignored) : $0 })
}

private func unit(
  _ collector: ClassMapCollector, _ numbers: [Int]
) throws -> ClassMapUnit {
  var unit = collector.makeUnit()
  for number in numbers {
    let maps = maps(number)
    try unit.add(
      prediction: maps.prediction, truth: maps.truth, height: 14, width: 17, ignoring: ignored)
  }
  return unit
}

private func figures(
  _ metrics: [any ClassMetric.Type], prediction: [Int32], truth: [Int32], width: Int
) throws -> [String: Double] {
  var collector = ClassMapCollector(metrics, classNames: names)
  var unit = collector.makeUnit()
  try unit.add(
    prediction: prediction, truth: truth, height: truth.count / width, width: width,
    ignoring: ignored)
  collector.add(unit)
  let records = collector.results(bootstrap: Bootstrap(resamples: 1))
  return Dictionary(uniqueKeysWithValues: records.map { ($0.name, $0.value) })
}

@Suite struct ClassMapCollectorTests {
  @Test("shards of any kind and order give the same bits")
  func shards() throws {
    let bootstrap = Bootstrap(resamples: 30, seed: 1)
    var whole = ClassMapCollector(all, classNames: names)
    for number in 0..<18 { whole.add(try unit(whole, [2 * number, 2 * number + 1])) }
    let expected = whole.results(bootstrap: bootstrap)
    #expect(expected.allSatisfy { !$0.value.isNaN && $0.count == 18 })
    for shards in [2, 5] {
      var parts = (0..<shards).map { _ in ClassMapCollector(all, classNames: names) }
      for number in (0..<18).reversed() {
        parts[number % shards].add(
          try unit(whole, [2 * number, 2 * number + 1]), number: number)
      }
      var merged = ClassMapCollector(all, classNames: names)
      for part in parts.reversed() { merged.merge(part) }
      #expect(merged.results(bootstrap: bootstrap) == expected)
      #expect(merged.perUnit == whole.perUnit && merged.confusion == whole.confusion)
    }
  }

  @Test("ignored pixels count nowhere, whatever is predicted there")
  func ignoring() throws {
    let (prediction, truth) = maps(0)
    let other = zip(prediction, truth).map { $1 == Int32(ignored) ? 250 : $0 }
    #expect(
      try figures(all, prediction: prediction, truth: truth, width: 17)
        == figures(all, prediction: other, truth: truth, width: 17))
  }

  @Test("a map without a pixel that counts has no figures")
  func allIgnored() throws {
    let truth = [Int32](repeating: Int32(ignored), count: 12)
    let found = try figures(
      all, prediction: [Int32](repeating: 0, count: 12), truth: truth, width: 4)
    // Each class is in neither map, which HD95 defines as a distance of 0.
    let undefined = found.filter { !$0.key.hasPrefix("HD95") }
    #expect(undefined.count == found.count - 5 && undefined.values.allSatisfy(\.isNaN))
  }

  @Test("what is no class is refused, in the truth and in the prediction", arguments: [-2, 3, 255])
  func outside(label: Int) throws {
    var unit = ClassMapCollector(all, classNames: names).makeUnit()
    var error = try #require(throws: TaskError.self) {
      try unit.add(
        prediction: [0, 1], truth: [0, Int32(label)], height: 1, width: 2, ignoring: 254)
    }
    #expect(error == .labelOutsideClasses(label: label, classes: 3))
    error = try #require(throws: TaskError.self) {
      try unit.add(
        prediction: [0, Int32(label)], truth: [0, 1], height: 1, width: 2, ignoring: 254)
    }
    #expect(error == .predictionOutsideClasses(prediction: label, classes: 3))
    #expect(error.description.contains("prediction \(label) found where the 3 classes"))
  }

  @Test("a pixel without a prediction leaves no metric a number")
  func undecided() throws {
    var (prediction, truth) = maps(3)
    let pixel = try #require(truth.firstIndex { $0 != Int32(ignored) })
    prediction[pixel] = -1
    let found = try figures(all, prediction: prediction, truth: truth, width: 17)
    for metric in all { #expect(found[metric.name]?.isNaN == true, "\(metric.name)") }
    // Where nothing is to be predicted, nothing is missed.
    truth[pixel] = Int32(ignored)
    let others = try figures(all, prediction: prediction, truth: truth, width: 17)
    #expect(others["mIoU"]?.isNaN == false && others["HD95"]?.isNaN == false)
  }

  @Test("scores are measured over pixels, and refused to be forgotten")
  func scores() async throws {
    var collector = ClassMapCollector([Brier.self], classNames: ["a", "b"])
    var unit = collector.makeUnit()
    try unit.add(
      prediction: [0, 1, 1], truth: [0, 0, 255], height: 1, width: 3, ignoring: ignored,
      probabilities: [1, 0.25, 0, 0, 0.75, 1])
    collector.add(unit)
    let found = collector.results(bootstrap: Bootstrap(resamples: 1))[0].value
    #expect(abs(found - 2 * 0.75 * 0.75 / 2) < 1e-12)
    await #expect(processExitsWith: .failure) {
      var unit = ClassMapCollector([Brier.self], classNames: ["a", "b"]).makeUnit()
      try unit.add(prediction: [0], truth: [0], height: 1, width: 1, ignoring: 255)
    }
  }
}

@Suite struct MapMetricTests {
  @Test("HD95 of two squares is the percentile of their distances")
  func squares() throws {
    // A pixel each, three columns and four rows apart.
    var (prediction, truth) = ([Int32](repeating: 0, count: 100), [Int32](repeating: 0, count: 100))
    prediction[11] = 1
    truth[54] = 1
    let found = try figures([HD95.self], prediction: prediction, truth: truth, width: 10)
    #expect(found["HD95_forest"] == 5)
    #expect(found["HD95_town"] == 0, "in neither map")
    #expect(found["HD95_left_out"] == 0)
    // The other class's surface is the frame and the ring about the pixel.
    #expect(try #require(found["HD95_water"]) > 0)
    let mean = ["water", "forest", "town"].compactMap { found["HD95_\($0)"] }.reduce(0, +) / 3
    #expect(found["HD95"] == mean)
  }

  @Test("HD95 leaves out and counts a class that only one map has")
  func oneSided() throws {
    var truth = [Int32](repeating: 0, count: 64)
    let prediction = truth
    truth[20] = 2
    let found = try figures([HD95.self], prediction: prediction, truth: truth, width: 8)
    #expect(found["HD95_town"]?.isNaN == true && found["HD95_left_out"] == 1)
    #expect(found["HD95_forest"] == 0)
  }

  @Test("boundary IoU agrees with windows looked at pixel by pixel", arguments: [(8, 9), (70, 60)])
  func windows(height: Int, width: Int) throws {
    var random = Philox(seed: 3, purpose: .data, step: height, index: 0)
    let cell = height / 4
    let blocks = (0..<200).map { _ in Int32(random.below(3)) }
    func map(_ shift: Int) -> [Int32] {
      (0..<height * width).map { pixel in
        blocks[((pixel / width + shift) / cell) * 9 + (pixel % width + shift) / cell]
      }
    }
    let (prediction, truth) = (map(1), map(0))
    let diagonal = Double(height * height + width * width).squareRoot()
    let distance = max(1, Int((0.02 * diagonal).rounded()))
    func isBoundary(_ map: [Int32], _ pixel: Int) -> Bool {
      let (row, column) = (pixel / width, pixel % width)
      for y in row - distance...row + distance {
        for x in column - distance...column + distance {
          guard (0..<height).contains(y), (0..<width).contains(x) else { return true }
          if map[y * width + x] != map[pixel] { return true }
        }
      }
      return false
    }
    let found = try figures([BoundaryIoU.self], prediction: prediction, truth: truth, width: width)
    for (index, name) in names.enumerated() {
      let predicted = prediction.indices.map {
        prediction[$0] == Int32(index) && isBoundary(prediction, $0)
      }
      let actual = truth.indices.map { truth[$0] == Int32(index) && isBoundary(truth, $0) }
      let both = zip(predicted, actual).count { $0 && $1 }
      let either = zip(predicted, actual).count { $0 || $1 }
      #expect(found["BoundaryIoU_\(name)"] == Double(both) / Double(either))
    }
  }

  @Test("HD95 agrees with distances between all pairs of surface pixels", arguments: 0..<6)
  func allPairs(number: Int) throws {
    let (prediction, truth) = maps(number)
    func surface(_ map: [Int32], _ label: Int32) -> [(Int, Int)] {
      let known = zip(map, truth).map { $1 == Int32(ignored) ? -1 : $0 }
      func at(_ row: Int, _ column: Int) -> Int32 {
        (0..<14).contains(row) && (0..<17).contains(column) ? known[row * 17 + column] : -1
      }
      return (0..<14 * 17).map { ($0 / 17, $0 % 17) }.filter { row, column in
        at(row, column) == label
          && [(-1, 0), (1, 0), (0, -1), (0, 1)].contains { at(row + $0, column + $1) != label }
      }
    }
    let found = try figures([HD95.self], prediction: prediction, truth: truth, width: 17)
    for (index, name) in names.enumerated() {
      let (p, y) = (surface(prediction, Int32(index)), surface(truth, Int32(index)))
      func nearest(_ from: [(Int, Int)], _ to: [(Int, Int)]) -> [Double] {
        from.map { a in
          to.map { b in
            let (rows, columns) = (Double(a.0 - b.0), Double(a.1 - b.1))
            return (rows * rows + columns * columns).squareRoot()
          }.min() ?? .nan
        }
      }
      let sorted = (nearest(p, y) + nearest(y, p)).sorted()
      let position = 0.95 * Double(sorted.count - 1)
      let expected =
        sorted[Int(position)]
        + (sorted[min(Int(position) + 1, sorted.count - 1)] - sorted[Int(position)])
        * (position - position.rounded(.down))
      #expect(abs(try #require(found["HD95_\(name)"]) - expected) < 1e-12)
    }
  }
}
