import Tensors
import TestSupport
import Testing

/// A frozen linear layer with operands in double precision.
private struct Layer {
  let rows: Int
  let (inputs, outputs): (Int, Int)
  /// Rank and rows of each low-rank term.
  var terms: [(rank: Int, rows: Range<Int>)] = []
  var hasBias = true
  var activation = Activation.identity
  var hasResidual = false

  private func values(_ shape: [Int], _ seed: Int) -> Tensor {
    FiniteDifferences.values(shape, seed: seed)
  }

  /// x, bias, residual, then A and B of each term.
  var operands: [Tensor] {
    [values([rows, inputs], 1)] + (hasBias ? [values([outputs], 2)] : [])
      + (hasResidual ? [values([rows, outputs], 3)] : [])
      + terms.enumerated().flatMap { index, term in
        [
          values([term.rank, inputs], 4 + 2 * index),
          values([term.rows.count, term.rank], 5 + 2 * index),
        ]
      }
  }

  /// What the weight is rounded to.
  var weightType = DType.f64

  var weight: Tensor {
    let exact = values([outputs, inputs], 50).scaled(by: 0.2)
    return weightType == .f64
      ? exact : exact.cast(to: .f32).cast(to: weightType).cast(to: .f32).cast(to: .f64)
  }

  /// The same by operations that exist apart from the fused one.
  func composed(_ operands: [Tensor]) -> Tensor {
    var rest = operands[...]
    let x = rest.removeFirst()
    let bias = hasBias ? rest.removeFirst() : nil
    let residual = hasResidual ? rest.removeFirst() : nil
    var y = linear(x, weight: weight.cast(to: x.dtype), bias: bias)
    for term in terms {
      let (down, up) = (rest.removeFirst(), rest.removeFirst())
      let change = linear(linear(x, weight: down), weight: up).scaled(by: 0.5)
      y =
        y
        + change.padded(
          axis: 1, before: term.rows.lowerBound, after: outputs - term.rows.upperBound)
    }
    if activation == .gelu { y = y.gelu() }
    return residual.map { $0 + y } ?? y
  }

  func fused(_ operands: [Tensor], _ precision: Precision = .fp32, type: DType = .f32) -> Tensor {
    var rest = operands[...]
    let x = rest.removeFirst()
    let bias = hasBias ? rest.removeFirst() : nil
    let residual = hasResidual ? rest.removeFirst() : nil
    let update =
      terms.isEmpty
      ? nil
      : LowRankUpdate(
        terms.map { term in
          LowRankUpdate.Term(
            down: rest.removeFirst(), up: rest.removeFirst(), rows: term.rows, scaling: 0.5)
        }, outputs: outputs)
    return frozenLinear(
      x, weight: FrozenWeight(weight.cast(to: .f32), precision: precision), bias: bias,
      update: update, activation: activation, residual: residual, type: type
    ).result
  }
}

/// The largest difference of results and gradients, relative to the largest entry of each.
private func difference(
  _ operands: [Tensor], _ one: ([Tensor]) -> Tensor, _ other: ([Tensor]) -> Tensor
) -> Double {
  func run(_ function: ([Tensor]) -> Tensor) -> [[Double]] {
    let leaves = operands.map { _ in Node() }
    let y = function(zip(operands, leaves).map { $0.tracked(by: $1) })
    let seed = FiniteDifferences.values(y.shape, seed: 77)
    let gradients = y.gradients(for: seed.cast(to: .f32).cast(to: y.dtype))
    return ([y] + leaves.compactMap { gradients[$0] }).map {
      ($0.dtype == .bf16 ? $0.cast(to: .f32) : $0).elements(as: Float.self).map(Double.init)
    }
  }
  let (left, right) = (run(one), run(other))
  #expect(left.count == right.count && left.count == operands.count + 1)
  return zip(left, right).map { a, b in
    let largest = b.map(abs).max() ?? 0
    return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / max(largest, 1e-12)
  }.max() ?? 0
}

private let layers: [Layer] = [
  Layer(rows: 1, inputs: 48, outputs: 80),
  Layer(rows: 7, inputs: 5, outputs: 3, hasBias: false),
  Layer(rows: 64, inputs: 33, outputs: 129, terms: [(4, 0..<129)]),
  Layer(
    rows: 197, inputs: 48, outputs: 96, terms: [(8, 0..<32), (3, 64..<96)], activation: .gelu),
  Layer(rows: 50, inputs: 64, outputs: 64, terms: [(16, 0..<64)], hasResidual: true),
  Layer(rows: 13, inputs: 40, outputs: 24, hasBias: false, activation: .gelu, hasResidual: true),
  Layer(rows: 5, inputs: 1600, outputs: 70, terms: [(1, 10..<11)]),
  Layer(rows: 600, inputs: 64, outputs: 96, terms: [(9, 0..<96)]),
]

@Suite("Frozen linear layer")
struct FrozenWeightTests {
  @Test("equals its parts, forward and backward", arguments: layers.indices)
  func agreesWithParts(index: Int) {
    let layer = layers[index]
    let operands = layer.operands.map { $0.cast(to: .f32) }
    let error = difference(operands, { layer.fused($0) }, layer.composed)
    #expect(error < 4e-6, "\(error)")
  }

  @Test("in bf16 differs by the rounding of weight, input and output", arguments: layers.indices)
  func half(index: Int) {
    var layer = layers[index]
    layer.hasResidual = false
    // Values that bf16 holds, so that only products and results are rounded.
    let operands = layer.operands.map { $0.cast(to: .f32).cast(to: .bf16).cast(to: .f32) }
    let error = difference(
      operands,
      { inputs in
        var inputs = inputs
        inputs[0] = inputs[0].converted(to: .bf16)
        return layer.fused(inputs, .bf16, type: .bf16)
      }, layer.composed)
    #expect(error < 0.02 && error > 1e-5, "\(error)")
  }

  @Test("in bf16 adds products and low-rank terms in single precision", arguments: layers.indices)
  func sums(index: Int) {
    let layer = layers[index]
    // The weight and the input as bf16 holds them; adapters as they are.
    var rounded = layer
    rounded.weightType = .bf16
    var operands = rounded.operands.map { $0.cast(to: .f32) }
    operands[0] = operands[0].cast(to: .bf16).cast(to: .f32)
    let wanted = rounded.composed(operands).elements(as: Float.self)
    operands[0] = operands[0].cast(to: .bf16)
    let found = rounded.fused(operands, .bf16).elements(as: Float.self)
    let largest = wanted.map(abs).max() ?? 0
    let error = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
    #expect(error < 1e-5 * largest, "\(error) of \(largest)")
  }

  @Test("a layer norm gives bf16 and takes its gradients")
  func halfNorm() {
    let operands = [FiniteDifferences.values([9, 40], seed: 1).cast(to: .f32)]
    let (weight, bias) = (
      FiniteDifferences.values([40], seed: 2).cast(to: .f32),
      FiniteDifferences.values([40], seed: 3).cast(to: .f32)
    )
    let error = difference(
      operands,
      { layerNorm($0[0], weight: weight, bias: bias, epsilon: 1e-6, type: .bf16) },
      { layerNorm($0[0], weight: weight, bias: bias, epsilon: 1e-6) })
    #expect(error < 0.01, "\(error)")
  }

  @Test("casts to bf16 and back keep NaN and infinity, and round to even")
  func casts() {
    let values: [Float] = [1, 1.00390625, 1.01171875, .infinity, -.infinity, .nan, 3e38, -0.0]
    let back = Tensor(values, shape: [8]).cast(to: .bf16).cast(to: .f32).elements(as: Float.self)
    #expect(Array(back[0..<3]) == [1, 1, 1.015625])
    #expect(back[3] == .infinity && back[4] == -.infinity && back[5].isNaN)
    #expect(back[6].isFinite && back[7].sign == .minus)
  }
}
