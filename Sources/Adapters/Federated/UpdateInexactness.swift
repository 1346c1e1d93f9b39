import Layers
import Tensors

extension AttachedAdapter {
  /// ‖ΔW − Σ p_k ΔW_k‖ / ‖Σ p_k ΔW_k‖ in the Frobenius norm over all targets, ΔW what the server made of the
  /// clients' updates ΔW_k; nil where an update is no summand of the weight.
  ///
  /// The adapter's values are those of before afterwards.
  package func inexactness(of server: ServerValues, _ clients: [ClientValues]) -> Double? {
    let changes = modules.map { (layer: $0.target.layer, change: $0.change as? any WeightDelta) }
    guard !changes.isEmpty, changes.allSatisfy({ $0.change != nil }) else { return nil }
    let kept = parameters.map { (parameter: $0, value: $0.value) }
    defer { for item in kept { item.parameter.value = item.value } }
    func deltas(_ values: [String: Tensor]) -> [Tensor]? {
      for item in kept { item.parameter.value = values[item.parameter.path] ?? item.value }
      return try? changes.map {
        guard let change = $0.change else { throw UnmergeableDelta("no summand") }
        return try change.delta($0.layer).detached().cast(to: .f64)
      }
    }
    var wanted: [Tensor]?
    for client in clients {
      guard let found = deltas(client.values)?.map({ $0.scaled(by: client.weight) }) else {
        return nil
      }
      wanted = wanted.map { zip($0, found).map { $0 + $1 } } ?? found
    }
    let given =
      server.updates.isEmpty
      ? deltas(server.values)
      : changes.indices.map { number in
        server.updates[number].map { $0.product.cast(to: .f64) }
          ?? Tensor(zeros: wanted?[number].shape ?? [], dtype: .f64)
      }
    guard let wanted, let given else { return nil }
    let size = wanted.reduce(0) { $0 + $1.sumOfSquares() }
    let error = zip(wanted, given).reduce(0) { $0 + ($1.1 - $1.0).sumOfSquares() }
    return size > 0 ? (error / size).squareRoot() : nil
  }
}
