import Tensors

/// Hidden units of several low-rank pairs behind one another, each weighed by the pair that it belongs to.
struct RoutedUnits: Sendable {
  /// 1 where a unit belongs to a pair, `[units, pairs]`.
  private let membership: Tensor

  /// For pairs of these ranks, their units in the same order.
  init(ranks: [Int]) {
    var values: [Float] = []
    for (pair, rank) in ranks.enumerated() {
      for _ in 0..<rank { values += ranks.indices.map { $0 == pair ? 1 : 0 } }
    }
    membership = Tensor(values, shape: [ranks.reduce(0, +), ranks.count])
  }

  /// Hidden values `[..., units]` times the weights `[..., pairs]` of their pairs.
  func callAsFunction(_ hidden: Tensor, weights: Tensor) -> Tensor {
    hidden * linear(weights, weight: membership.cast(to: weights.dtype)).cast(to: hidden.dtype)
  }
}
