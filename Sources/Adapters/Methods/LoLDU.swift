package import Layers
package import Recipes
import Tensors

/// Trained diagonal of a triangular decomposition (LoLDU, arXiv 2410.13618): with W = P L D U, L unit
/// lower and U unit upper triangular, W' = W + P L_r diag(s z − s₀ d) U_r.
///
/// L_r holds the first r columns of L, U_r the first r rows of U, d the first r entries of D, all frozen;
/// z `[r]` and the scalar s are trained, s₀ = α/r is the first s. With `start: lu` z starts as d and the first
/// output is the frozen model's; the other rules of the reference's program draw z and start elsewhere.
/// A convolution's weight is taken as a matrix `[out, in · kernel]`. A pivot of 0 stays in U's row, whose
/// entry of D is 1 then. P is kept as the order of the rows (`[out]` i64): row `P[i]` of W is row i of
/// L D U.
package struct LoLDU: RecordsOptions {
  /// First values of z: d itself, drawn around the mean of d, or constant.
  enum Start: String, CaseIterable { case lu, uniform, normal, constant, ones, zeros }

  package static let name = "loldu"
  package static let summary = "the leading pivots of a weight and their scale (LoLDU)"
  package static let options: OptionTable = [
    .rank(64), .alpha(),
    Option(
      "start", .choice(Start.self), default: "lu", aliases: ["init_method"],
      "First pivots: lu, those of the weight; uniform in ±mean/2 or normal of their mean and "
        + "deviation; constant, their mean; ones; zeros."),
  ]
  package static let peftType = "LOLDU"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let start: Start

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    start = options.choice("start", as: Start.self)
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let factors =
      target.stored.isEmpty
      ? Triangular(target.layer.weight.detached(), rank: target.rank)
      : Triangular(rows: target.rows.count, columns: target.inputs, rank: target.rank)
    let pivots = factors.pivots.elements(as: Float.self)
    let seed = Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: "vector_z"))
    return LoLDUDelta(
      target, factors,
      first: Tensor(start.values(pivots, seed: seed), shape: [target.rank]))
  }

  /// r + 1.
  package func trainableCount(for target: AdapterTarget) -> Int { target.rank + 1 }
}

extension LoLDU.Start {
  /// First values beside the weight's own pivots.
  fileprivate func values(_ pivots: [Float], seed: Int) -> [Float] {
    let count = pivots.count
    let mean = pivots.reduce(0, +) / Float(count)
    var generator = TorchGenerator(seed: seed)
    switch self {
    case .lu: return pivots
    case .uniform: return generator.uniform(count, in: -abs(mean) / 2..<abs(mean) / 2)
    case .normal:
      let squares = pivots.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let deviation = (squares / Float(max(1, count - 1))).squareRoot()
      return generator.normal(count).map { mean + deviation * $0 }
    case .constant: return [Float](repeating: mean, count: count)
    case .ones: return [Float](repeating: 1, count: count)
    case .zeros: return [Float](repeating: 0, count: count)
    }
  }
}

/// The leading part of W = P L D U.
private struct Triangular {
  /// i64 `[m]`, row i of L D U belongs to row `order[i]` of W.
  let order: Tensor
  /// `[m, r]`, unit lower triangular.
  let lower: Tensor
  /// `[r]`.
  let pivots: Tensor
  /// `[r, n]`, unit upper triangular.
  let upper: Tensor

  init(_ weight: Tensor, rank: Int) {
    let (rows, l, u) = weight.cast(to: .f64).lowerUpper()
    let found = u.elements(as: Double.self)
    let columns = u.shape[1]
    let diagonal = (0..<rank).map { found[$0 * columns + $0] }.map { $0 == 0 ? 1 : $0 }
    order = Tensor(rows.map { Int64($0) }, shape: [rows.count])
    lower = l.sliced(axis: 1, 0..<rank).cast(to: .f32)
    pivots = Tensor(diagonal, shape: [rank]).cast(to: .f32)
    upper = u.sliced(axis: 0, 0..<rank)
      .rowsScaled(by: Tensor(diagonal.map { 1 / $0 }, shape: [rank])).cast(to: .f32)
  }

  /// In place of values that a file gives.
  init(rows: Int, columns: Int, rank: Int) {
    order = Tensor((0..<rows).map { Int64($0) }, shape: [rows])
    (lower, pivots) = (Tensor(zeros: [rows, rank]), Tensor(zeros: [rank]))
    upper = Tensor(zeros: [rank, columns])
  }
}

private struct LoLDUDelta: WeightDelta {
  let pivots: Parameter
  let scale: Parameter
  let down: Parameter
  let up: Parameter
  let order: Parameter
  /// d `[r]`, the pivots of the weight itself.
  let taken: Parameter
  /// s₀.
  let first: Double

  var parameters: [Parameter] { [pivots, scale] }
  var buffers: [Parameter] { [order, down, up, taken] }

  init(_ target: AdapterTarget, _ factors: Triangular, first values: Tensor) {
    func path(_ name: String) -> String { "parametrizations.weight.0.\(name)" }
    pivots = target.parameter(path("vector_z"), values)
    scale = target.parameter(path("scaling_factor"), [1], .constant(target.scaling))
    down = target.buffer(path("lora_A"), factors.upper)
    up = target.buffer(path("lora_B"), factors.lower)
    order = target.buffer(path("P"), factors.order)
    taken = target.buffer(path("vector_d"), factors.pivots)
    first = target.scaling
  }

  /// s z − s₀ d, `[r]`.
  private var change: Tensor {
    let rank = pivots.shape[0]
    return pivots() * scale().expanded(to: [rank])
      - taken.value.scaled(by: first)
  }

  /// P L_r, `[out, r]`.
  private var left: Tensor {
    var places = [Int32](repeating: 0, count: order.elementCount)
    for (row, place) in order.value.integers.enumerated() { places[place] = Int32(row) }
    return up.value.gathered(axis: 0, indices: Tensor(places, shape: [places.count]))
  }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(left * change, down.value) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    guard layer.site.kind == .linear else {
      return layer.applied(delta(layer), bias: nil, to: x, outputs: outputs)
    }
    let a = down.value.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let b = (left * change).sliced(axis: 0, 0..<outputs)
    return linear(linear(x, weight: a), weight: b)
  }
}
