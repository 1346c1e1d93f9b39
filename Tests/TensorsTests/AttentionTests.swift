import TestSupport
import Tensors
import Testing

/// Sizes and settings of one attention.
private struct Sizes: Sendable, CustomTestStringConvertible {
  enum Operands: String, Sendable { case apart, packed, keysAndValues }

  var tokens: Int
  var keys: Int
  var width: Int
  var heads = 2
  var batch = 2
  var operands = Operands.apart
  /// Shape of the bias; every third entry of it is −∞ where `hasHoles`.
  var bias: [Int]?
  var hasHoles = false
  var dropout = 0.0

  var testDescription: String {
    "\(batch)×\(heads) heads of \(width), \(tokens) tokens, \(keys) keys, \(operands.rawValue)"
      + (bias.map { ", bias \($0)" } ?? "") + (hasHoles ? " with holes" : "")
      + (dropout > 0 ? ", dropout" : "")
  }

  var shapes: [[Int]] {
    let columns = heads * width
    let main =
      switch operands {
      case .apart: [[batch, tokens, columns], [batch, keys, columns], [batch, keys, columns]]
      case .packed: [[batch, tokens, 3 * columns]]
      case .keysAndValues: [[batch, tokens, columns], [batch, keys, 2 * columns]]
      }
    return main + (bias.map { [$0] } ?? [])
  }

  private var drops: AttentionDropout? {
    guard dropout > 0 else { return nil }
    let stream = DropoutStream(seed: 5, step: 3, site: 2, firstSample: 2, sampleCount: batch)
    return (dropout, stream)
  }

  func fused(_ x: [Tensor]) -> Tensor {
    switch operands {
    case .apart:
      attention(
        queries: x[0], keys: x[1], values: x[2], heads: heads, scale: 0.4,
        bias: bias == nil ? nil : x[3], dropout: drops)
    case .packed:
      attention(
        packed: x[0], heads: heads, scale: 0.4, bias: bias == nil ? nil : x[1], dropout: drops)
    case .keysAndValues:
      attention(
        queries: x[0], keysAndValues: x[1], heads: heads, scale: 0.4,
        bias: bias == nil ? nil : x[2], dropout: drops)
    }
  }

  func composed(_ x: [Tensor]) -> Tensor {
    let columns = heads * width
    func part(_ tensor: Tensor, _ index: Int) -> Tensor {
      tensor.sliced(axis: 2, (index * columns)..<((index + 1) * columns))
    }
    let (q, k, v) =
      switch operands {
      case .apart: (x[0], x[1], x[2])
      case .packed: (part(x[0], 0), part(x[0], 1), part(x[0], 2))
      case .keysAndValues: (x[0], part(x[1], 0), part(x[1], 1))
      }
    return composedAttention(
      queries: q, keys: k, values: v, heads: heads, scale: 0.4, bias: bias == nil ? nil : x.last,
      dropout: drops)
  }

  /// Operands that a type can hold, in double precision.
  func values(for dtype: DType) -> [Tensor] {
    shapes.enumerated().map { index, shape in
      let values = FiniteDifferences.values(shape, seed: index + 1).scaled(by: 2)
      guard let bias, index == shapes.count - 1 else { return values.rounded(to: dtype) }
      let elements = values.elements(as: Double.self).enumerated().map {
        hasHoles && $0 % bias[3] % 3 == 1 ? -Double.infinity : $1
      }
      return Tensor(elements, shape: shape).rounded(to: dtype == .bf16 ? .f32 : dtype)
    }
  }
}

extension Tensor {
  /// Values of a floating-point type in another one, by way of single precision.
  fileprivate func converted(to target: DType) -> Tensor {
    dtype == target ? self : cast(to: .f32).cast(to: target)
  }

  fileprivate func rounded(to target: DType) -> Tensor {
    target == .f64 ? self : converted(to: target).converted(to: .f64)
  }
}

/// The result and the gradients of all operands, in double precision.
private func outcome(
  _ operands: [Tensor], seed: Tensor, _ function: ([Tensor]) -> Tensor
) -> [Tensor] {
  let leaves = operands.map { _ in Node() }
  let result = function(zip(operands, leaves).map { $0.tracked(by: $1) })
  let gradients = result.gradients(for: seed.converted(to: result.dtype))
  return [result.converted(to: .f64)]
    + leaves.map { gradients[$0]?.converted(to: .f64) ?? Tensor(zeros: [0], dtype: .f64) }
}

/// Largest difference of two tensors, relative to the largest element of the second.
private func relativeError(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape else { return .infinity }
  let (x, y) = (a.elements(as: Double.self), b.elements(as: Double.self))
  let largest = y.map(abs).max() ?? 0
  return zip(x, y).reduce(0) {
    let difference = abs($1.0 - $1.1) / max(largest, 1e-3)
    return difference.isNaN ? .infinity : max($0, difference)
  }
}

private let plain: [Sizes] = [1, 2, 5, 8, 9, 13, 49, 197].flatMap { tokens in
  [8, 16, 24, 64].map { Sizes(tokens: tokens, keys: tokens, width: $0, operands: .packed) }
}
private let unequal: [Sizes] = [
  Sizes(tokens: 1, keys: 197, width: 64, operands: .keysAndValues),
  Sizes(tokens: 9, keys: 300, width: 32, operands: .keysAndValues),
  Sizes(tokens: 300, keys: 11, width: 80),
  Sizes(tokens: 300, keys: 3, width: 20),
  Sizes(tokens: 70, keys: 115, width: 128, heads: 1),
  Sizes(tokens: 65, keys: 33, width: 5, heads: 3),
  Sizes(tokens: 300, keys: 40, width: 32),
  Sizes(tokens: 10, keys: 2100, width: 64, heads: 1, batch: 1),
  Sizes(tokens: 7, keys: 2100, width: 16, heads: 1, batch: 1),
  Sizes(tokens: 31, keys: 2100, width: 16, heads: 1, batch: 1),
]
private let biased: [Sizes] = [
  Sizes(tokens: 49, keys: 49, width: 16, operands: .packed, bias: [1, 2, 49, 49]),
  Sizes(tokens: 49, keys: 55, width: 16, operands: .keysAndValues, bias: [2, 2, 49, 55]),
  Sizes(tokens: 20, keys: 30, width: 24, bias: [2, 1, 1, 30], hasHoles: true),
  Sizes(tokens: 20, keys: 130, width: 24, bias: [1, 1, 20, 130], hasHoles: true),
  Sizes(tokens: 4, keys: 10, width: 32, bias: [2, 2, 4, 10], hasHoles: true),
  Sizes(
    tokens: 17, keys: 2100, width: 8, heads: 1, batch: 1, bias: [1, 1, 17, 2100], hasHoles: true),
]
private let dropping: [Sizes] = [
  Sizes(tokens: 3, keys: 5, width: 16, dropout: 0.3),
  Sizes(tokens: 50, keys: 115, width: 16, dropout: 0.3),
  Sizes(tokens: 33, keys: 33, width: 32, operands: .packed, bias: [1, 2, 33, 33], dropout: 0.5),
  Sizes(tokens: 11, keys: 1100, width: 8, dropout: 0.1),
]

@Suite("Attention")
struct AttentionTests {
  @Test(
    "in double precision is the composed form", arguments: plain + unequal + biased + dropping)
  fileprivate func double(_ sizes: Sizes) {
    compare(sizes, .f64, output: 1e-12, gradients: 1e-12)
  }

  @Test(
    "in single precision agrees with double precision",
    arguments: plain + unequal + biased + dropping)
  fileprivate func single(_ sizes: Sizes) {
    // Measured: at most 4e-6, for the gradient of a bias.
    compare(sizes, .f32, output: 1e-5, gradients: 1e-5)
  }

  /// The output is rounded to 8 bits, and delta, which all gradients of scores share, comes from the
  /// rounded output.
  @Test(
    "in bf16 agrees within its rounding",
    arguments: (plain + unequal + biased + dropping).filter { $0.tokens > 4 && $0.keys > 4 })
  fileprivate func bf16(_ sizes: Sizes) {
    compare(sizes, .bf16, output: 0x1p-7, gradients: 0x1p-5)
  }

  private func compare(_ sizes: Sizes, _ dtype: DType, output: Double, gradients: Double) {
    let values = sizes.values(for: dtype)
    let exact = values.map { $0.converted(to: .f64) }
    let seed = FiniteDifferences.values(
      [sizes.batch, sizes.tokens, sizes.heads * sizes.width], seed: 99
    ).rounded(to: dtype)
    let isBias = { (index: Int) in sizes.bias != nil && index == values.count - 1 }
    let found = outcome(
      values.enumerated().map {
        $1.converted(to: dtype == .bf16 && isBias($0) ? .f32 : dtype)
      }, seed: seed, sizes.fused)
    let wanted = outcome(exact, seed: seed, sizes.composed)
    let names = ["output"] + sizes.shapes.map { "gradient of \($0)" }
    for (index, (a, b)) in zip(found, wanted).enumerated() {
      let error = relativeError(a, b)
      #expect(error < (index == 0 ? output : gradients), "\(names[index]): \(error)")
    }
  }

  @Test("of 4,097 tokens gives the rows that a few queries of them get")
  func manyTokens() {
    let x = FiniteDifferences.values([1, 4097, 3 * 64], seed: 3).scaled(by: 2).cast(to: .f32)
    let all = attention(packed: x, heads: 1)
    func part(_ index: Int) -> Tensor { x.sliced(axis: 2, (index * 64)..<((index + 1) * 64)) }
    for start in [0, 2047, 4090] {
      let rows = start..<(start + 7)
      let few = composedAttention(
        queries: part(0).sliced(axis: 1, rows), keys: part(1), values: part(2), heads: 1)
      #expect(all.sliced(axis: 1, rows).largestDifference(from: few) < 2e-6)
    }
  }

  @Test("keeps what is not a number")
  func notANumber() {
    var values = FiniteDifferences.values([1, 20, 24], seed: 4).elements(as: Double.self)
    values[7 * 24 + 9] = .nan  // A key: every query of its head sees it.
    let output = attention(packed: Tensor(values, shape: [1, 20, 24]).cast(to: .f32), heads: 1)
    let isKept = output.elements(as: Float.self).allSatisfy { $0.isNaN }
    #expect(isKept)
  }

  @Test("gives no weight to a masked key, whatever its value")
  func masked() {
    let x = FiniteDifferences.values([1, 30, 24], seed: 5).cast(to: .f32)
    var moved = x.elements(as: Float.self)
    for column in 8..<24 { moved[12 * 24 + column] = 1e3 }
    let bias = Tensor((0..<30).map { $0 == 12 ? -Float.infinity : 0 }, shape: [1, 1, 1, 30])
    let before = attention(packed: x, heads: 1, bias: bias)
    let after = attention(packed: Tensor(moved, shape: x.shape), heads: 1, bias: bias)
    let others = [0..<12, 13..<30]
    for rows in others {
      #expect(
        before.sliced(axis: 1, rows).bits == after.sliced(axis: 1, rows).bits)
    }
  }

  @Test("of no tokens is empty")
  func empty() {
    #expect(attention(packed: Tensor(zeros: [2, 0, 24]), heads: 2).shape == [2, 0, 8])
  }

  @Test("gives each sample and head the same bytes in any company")
  func independent() {
    let x = FiniteDifferences.values([3, 37, 3 * 32], seed: 6).cast(to: .f32)
    let all = attention(packed: x, heads: 2)
    let second = attention(packed: x.sliced(axis: 0, 1..<2), heads: 2)
    #expect(all.sliced(axis: 0, 1..<2).bits == second.bits)
  }
}
