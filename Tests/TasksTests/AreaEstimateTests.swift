import Foundation
import Tasks
import Tensors
import Testing

/// The worked example of Olofsson and others 2014, tables 8 and 9.
private let names = ["deforestation", "forest gain", "stable forest", "stable non-forest"]
private let counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
private let pixels = [200_000, 150_000, 3_200_000, 6_450_000]

private func estimates(
  _ counts: [[Int]] = counts, _ pixels: [Int] = pixels
) throws -> AreaEstimates {
  try AreaEstimates(counts: counts, mappedPixels: pixels, pixelArea: 0.09, classNames: names)
}

@Suite struct AreaEstimateTests {
  @Test("reproduces the published areas, to the hectare")
  func areas() throws {
    let found = try estimates().classes
    #expect(found.map { Int($0.area.value.rounded()) } == [21_158, 11_686, 285_770, 581_386])
    #expect(found.map { Int($0.area.halfWidth.rounded()) } == [6_158, 3_756, 15_510, 16_282])
    #expect(found.map(\.samples) == [75, 75, 165, 325])
    #expect(abs(found[0].mappedArea - 18_000) < 1e-9)
    let whole = found.reduce(0) { $0 + $1.area.value }
    #expect(abs(whole - 900_000) < 1e-6, "areas add up to the map's")
  }

  @Test("reproduces the published accuracies, to their two decimals")
  func accuracies() throws {
    let found = try estimates()
    func hundredths(_ values: [Double?]) -> [Int] {
      values.compactMap { $0 }.map { Int((100 * $0).rounded()) }
    }
    #expect(hundredths(found.classes.map(\.usersAccuracy?.value)) == [88, 73, 93, 96])
    #expect(hundredths(found.classes.map(\.producersAccuracy?.value)) == [75, 85, 93, 96])
    #expect(hundredths([found.overallAccuracy.value, found.overallAccuracy.halfWidth]) == [95, 2])
  }

  @Test("intervals of accuracies are those of the delta method, by finite differences")
  func deltaMethod() throws {
    let samples = counts.map { Double($0.reduce(0, +)) }
    let shares = zip(counts, samples).map { row, total in row.map { Double($0) / total } }
    func producers(_ shares: [[Double]], _ index: Int) -> Double {
      let found = pixels.indices.map { Double(pixels[$0]) * shares[$0][index] }
      return found[index] / found.reduce(0, +)
    }
    let found = try estimates().classes
    for index in pixels.indices {
      func spread(_ stratum: Int) -> Double {
        shares[stratum][index] * (1 - shares[stratum][index]) / (samples[stratum] - 1)
      }
      var variance = 0.0
      for stratum in pixels.indices {
        var (above, below) = (shares, shares)
        above[stratum][index] += 1e-6
        below[stratum][index] -= 1e-6
        let slope = (producers(above, index) - producers(below, index)) / 2e-6
        variance += slope * slope * spread(stratum)
      }
      let (user, producer) = (
        try #require(found[index].usersAccuracy), try #require(found[index].producersAccuracy)
      )
      #expect(abs(user.halfWidth - 1.96 * spread(index).squareRoot()) < 1e-12)
      #expect(abs(producer.halfWidth / (1.96 * variance.squareRoot()) - 1) < 1e-5)
    }
  }

  @Test("the matrix of decisions is read with the map as prediction")
  func matrix() throws {
    var confusion = ConfusionMatrix(classes: 4)
    for (map, row) in counts.enumerated() {
      for (reference, count) in row.enumerated() {
        confusion.add(truth: reference, prediction: map, count: count)
      }
    }
    let found = try AreaEstimates(
      confusion, mappedPixels: pixels, pixelArea: 0.09, classNames: names)
    #expect(try found == estimates())
  }

  @Test("intervals hold the true area in 95 of 100 drawn samples")
  func coverage() throws {
    // Chance of each reference class in each stratum, with strata of 30 and 70 % of the map.
    let shares = [0.9, 0.2]
    let truth = 1000 * (0.3 * 0.9 + 0.7 * 0.2)
    var covered = 0
    for draw in 0..<2000 {
      var random = Philox(seed: 2014, purpose: .data, step: draw, index: 0)
      let rows = shares.map { share in
        let first = (0..<100).count { _ in random.uniform() < share }
        return [first, 100 - first]
      }
      let area = try AreaEstimates(
        counts: rows, mappedPixels: [300, 700], pixelArea: 1, classNames: ["a", "b"]
      ).classes[0].area
      if area.lower <= truth && truth <= area.upper { covered += 1 }
    }
    // ± 3 standard errors of 2,000 draws, and what a normal interval lacks for 100 points.
    #expect(abs(Double(covered) / 2000 - 0.95) < 0.02)
  }

  @Test("a stratum without enough points is refused by its name", arguments: [0, 1])
  func tooFewPoints(count: Int) throws {
    var thin = counts
    thin[1] = [0, count, 0, 0]
    let error = try #require(throws: TaskError.self) { try estimates(thin) }
    #expect(
      error
        == .stratumWithoutVariance(
          stratum: "forest gain", samples: count, mappedPixels: 150_000))
    #expect(error.description.contains("'forest gain' covers 150000 pixels but has \(count)"))
  }

  @Test("points on a class that the map does not have are refused")
  func notOnMap() throws {
    let error = try #require(throws: TaskError.self) {
      try estimates(counts, [0, 150_000, 3_200_000, 6_450_000])
    }
    #expect(error == .stratumNotOnMap(stratum: "deforestation", samples: 75))
  }

  @Test("a class that is not mapped may still be found by reference points")
  func unmapped() throws {
    var rows = counts
    rows[0] = [0, 0, 0, 0]
    let found = try estimates(rows, [0, 150_000, 3_200_000, 6_450_000]).classes[0]
    #expect(found.usersAccuracy == nil && found.mappedArea == 0)
    #expect(found.area.value > 0 && found.producersAccuracy?.value == 0)
  }

  @Test("is stored and read")
  func stored() throws {
    let found = try estimates()
    let data = try JSONEncoder().encode(found)
    #expect(try JSONDecoder().decode(AreaEstimates.self, from: data) == found)
  }
}
