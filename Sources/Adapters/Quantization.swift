import Foundation
package import Tensors

/// The levels of a b-bit quantizer of standard normal values (arXiv 2307.16867, section 3.2).
///
/// The fixed point of: cut points in the middle between levels, each level the median of the normal
/// distribution between its cuts.
package struct CodeBook: Sendable, Equatable {
  /// Ascending, 2^bits of them.
  package let levels: [Double]
  package let bits: Int

  package init(bits: Int) {
    self.bits = bits
    let count = 1 << bits
    var levels = (1...count).map { normalQuantile((Double($0) - 0.5) / Double(count)) }
    for _ in 0..<500 {
      let cuts = zip(levels, levels.dropFirst()).map { normalProbability(($0 + $1) / 2) }
      let edges = [0] + cuts + [1]
      levels = zip(edges, edges.dropFirst()).map { normalQuantile(($0 + $1) / 2) }
    }
    self.levels = levels
  }

  /// Index of the level next to a value.
  package func code(_ value: Double) -> Int { nearestIndex(to: value, in: levels) }
}

/// Index of the level next to a value, the lower of two as near; `levels` ascend.
func nearestIndex<Value: BinaryFloatingPoint>(to value: Value, in levels: [Value]) -> Int {
  var (low, high) = (0, levels.count - 1)
  while low < high {
    let middle = (low + high) / 2
    if value > (levels[middle] + levels[middle + 1]) / 2 {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
}

/// A weight standardized by its own mean μ and deviation s, whose values were replaced by levels.
package struct QuantizedWeight: Sendable {
  /// One for each value, in row-major order.
  package let codes: [Int]
  package let mean: Double
  /// Unbiased.
  package let deviation: Double
  package let shape: [Int]

  package init(codes: [Int], mean: Double, deviation: Double, shape: [Int]) {
    precondition(codes.count == shape.reduce(1, *), "\(codes.count) codes of a weight \(shape)")
    self.codes = codes
    self.mean = mean
    self.deviation = deviation
    self.shape = shape
  }

  /// Of a weight with all its digits.
  package init(_ weight: Tensor, _ book: CodeBook) {
    let values: [Double] = weight.detached().cast(to: .f64).elements()
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(max(1, values.count - 1))).squareRoot()
    self.init(
      codes: values.map { book.code(($0 - mean) / (deviation + Self.epsilon)) }, mean: mean,
      deviation: deviation, shape: weight.shape)
  }

  /// Added to the deviation where a weight is divided by it.
  static let epsilon = 1e-5

  /// s v + μ for the levels v, f32.
  package func weight(_ book: CodeBook) -> Tensor {
    Tensor(codes.map { Float(deviation * book.levels[$0] + mean) }, shape: shape)
  }
}

extension Tensor {
  /// The quantized weight s q(z) + μ with z = (w − μ)/(s + 1e-5) for a weight w.
  ///
  /// q passes gradients straight through (arXiv 1308.3432); they also flow through μ and s.
  func quantized(_ book: CodeBook) -> Tensor {
    let quantized = QuantizedWeight(self, book)
    let mean = self.mean()
    let centered = self + mean.scaled(by: -1)
    let freedom = Double(max(1, elementCount - 1))
    let deviation = centered.norm().scaled(by: 1 / freedom.squareRoot())
    let shifted = deviation + Tensor(filledWith: QuantizedWeight.epsilon, shape: [], dtype: dtype)
    let standard = centered * shifted.reciprocal()
    let levels = Tensor(quantized.codes.map { book.levels[$0] }, shape: shape).cast(to: dtype)
    let straight = standard + (levels - standard.detached())
    return straight * deviation + mean
  }
}

/// Φ, the distribution function of the standard normal distribution.
private func normalProbability(_ x: Double) -> Double { 0.5 * erfc(-x / 2.squareRoot()) }

/// Φ⁻¹ for 0 < p < 1, by bisection.
private func normalQuantile(_ p: Double) -> Double {
  var (low, high) = (-40.0, 40.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if normalProbability(middle) < p { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
