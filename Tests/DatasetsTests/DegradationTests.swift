import Datasets
import Foundation
import Recipes
import Tensors
import Testing

/// A degradation of a name with its options.
func degradation(_ name: String, _ options: [PlainValue.Field]) throws -> any Degradation {
  let type = try degradations.entry(named: name)
  let diagnostics = Diagnostics()
  let located = Located(
    plain: .map(options), at: SourceLocation(source: "test"), path: "data.degrade.list.0")
  let made = type.init(OptionReader(located, type.options, diagnostics), diagnostics)
  try diagnostics.throwErrors()
  return made
}

func stream(_ index: Int = 0) -> Philox {
  Philox(seed: 5, purpose: .data, step: 0, index: index)
}

@Suite("Degradations")
struct DegradationTests {
  @Test("noise has the asked deviation, no mean, and neighbours that do not follow each other")
  func noise() throws {
    #expect(GaussianNoise.name == "gaussian-noise")
    let noise = try degradation("gaussian-noise", [.init("sigma", .number(25.5))])
    let gray = Tensor([Float](repeating: 0.5, count: 64 * 64), shape: [1, 64, 64])
    var draws = stream()
    let values = noise(gray, &draws).elements(as: Float.self).map { Double($0) - 0.5 }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let deviation = (values.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
    var lag = 0.0
    for place in 1..<values.count { lag += values[place - 1] * values[place] / count }
    #expect(abs(mean) < 0.006 && abs(deviation - 0.1) < 0.004)
    #expect(abs(lag) < 0.0006)
    // About 4.6 % of normal values are more than two deviations away.
    let far = Double(values.count { abs($0) > 0.2 }) / count
    #expect(abs(far - 0.0455) < 0.012)
  }

  @Test("a range is drawn for every image")
  func range() throws {
    let noise = try degradation(
      "gaussian-noise", [.init("sigma", .list([.number(0), .number(50)]))])
    let gray = Tensor([Float](repeating: 0.5, count: 256), shape: [1, 16, 16])
    let spreads = (0..<6).map { index in
      var draws = stream(index)
      return noise(gray, &draws).elements(as: Float.self)
        .reduce(Float(0)) { $0 + ($1 - 0.5) * ($1 - 0.5) }
    }
    #expect(Set(spreads).count == 6 && (spreads.max() ?? 0) > 4 * (spreads.min() ?? 1))
    #expect(throws: (any Error).self) {
      try degradation("gaussian-noise", [.init("sigma", .list([.number(2), .number(1)]))])
    }
  }

  @Test("a blurred point is the Gaussian; constants and sums stay")
  func blur() throws {
    #expect(GaussianBlur.name == "gaussian-blur")
    let blur = try degradation(
      "gaussian-blur", [.init("sigma", .number(1)), .init("kernel", .integer(9))])
    var point = [Float](repeating: 0, count: 21 * 21)
    point[10 * 21 + 10] = 1
    var draws = stream()
    let values = blur(Tensor(point, shape: [1, 21, 21]), &draws).elements(as: Float.self)
    let weights: [Double] = (-4...4).map { exp(-Double($0 * $0) / 2) }
    let sum: Double = weights.reduce(0, +)
    let middle = 1 / (sum * sum)
    // One row up, two columns right: exp(−1/2) exp(−4/2).
    let beside = exp(-2.5) / (sum * sum)
    #expect(abs(Double(values[10 * 21 + 10]) - middle) < 1e-6)
    #expect(abs(Double(values[9 * 21 + 12]) - beside) < 1e-6)
    let total: Float = values.reduce(0, +)
    #expect(abs(total - 1) < 1e-5)
    let flat = Tensor([Float](repeating: 0.3, count: 30), shape: [2, 3, 5])
    let same = blur(flat, &draws).elements(as: Float.self)
    #expect(same.allSatisfy { abs($0 - 0.3) < 1e-6 })
    #expect(throws: (any Error).self) {
      try degradation("gaussian-blur", [.init("sigma", .number(1)), .init("kernel", .integer(4))])
    }
  }
}
