import Layers
package import Recipes
package import Tensors

/// How a server puts together what clients trained in a round (`federated.aggregation`).
///
/// Client k has the weight p_k, its share of all training samples. Values beside the adapter's own (a head,
/// `modules_to_save`) are averaged by these weights under every aggregation.
package protocol FederatedAggregation: RegistryEntry, Sendable {
  /// Whether updates go into base weights, and clients begin each round with first values.
  static var movesBase: Bool { get }

  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// Refuses adapters that it is not defined for.
  func check(_ adapter: AttachedAdapter) throws(AdapterError)

  /// What the server makes of the clients' values of the adapter's trained parameters.
  ///
  /// - Parameters:
  ///   - clients: at least one; weights add up to 1.
  ///   - adapter: that all of them trained.
  /// - Returns: new values, or pairs for the base weights.
  func aggregated(_ clients: [ClientValues], _ adapter: AttachedAdapter) -> ServerValues
}

extension FederatedAggregation {
  package static var movesBase: Bool { false }
}

/// The aggregations that recipes can name.
package let federatedAggregations = Registry<any FederatedAggregation.Type>(
  kind: "federated aggregation",
  [
    FedAvg.self,
    FedSB.self,
    FLoRA.self,
    LoRAFAIR.self,
  ])

/// What a client sends: its trained values by path.
package struct ClientValues: Sendable {
  /// p_k.
  package var weight: Double
  package var values: [String: Tensor]

  package init(weight: Double, values: [String: Tensor]) {
    self.weight = weight
    self.values = values
  }

  /// Σ p_k x_k of the values of one path.
  package static func mean(_ clients: [ClientValues], of path: String) -> Tensor? {
    clients.reduce(nil) { sum, client in
      guard let value = client.values[path] else { return sum }
      let term = value.scaled(by: client.weight)
      return sum.map { $0 + term } ?? term
    }
  }
}

/// What the server makes of a round.
package struct ServerValues: Sendable {
  /// New values of trained parameters by path; those left out begin anew with first values.
  package var values: [String: Tensor]
  /// Pairs that are added to the weights of targets, by the number of the target.
  package var updates: [Int: AdapterSum.Pair]

  package init(values: [String: Tensor], updates: [Int: AdapterSum.Pair] = [:]) {
    self.values = values
    self.updates = updates
  }

  /// Values that every client gets.
  package var count: Int {
    values.values.reduce(0) { $0 + $1.elementCount }
      + updates.values.reduce(0) { $0 + $1.down.elementCount + $1.up.elementCount }
  }
}

extension AttachedAdapter {
  /// The pairs of an adapter that consists of plain ones alone.
  ///
  /// - Throws: `AdapterError.unsupported` for another method, and for pairs with more beside them.
  func plainPairs(
    for aggregation: String
  ) throws(AdapterError) -> [(target: AdapterTarget, pair: LoRADelta)] {
    var pairs: [(target: AdapterTarget, pair: LoRADelta)] = []
    for (target, change) in modules {
      guard let pair = change as? LoRADelta, pair.bias == nil, pair.diagonal == nil,
        pair.offset == nil
      else {
        throw .unsupported(
          module: target.site.path, method: settings.method,
          reason: "\(aggregation) puts plain low-rank pairs together. Use method lora without "
            + "use_dora, use_kasa, lora_bias and an init that changes the weight, or aggregation "
            + "fedavg")
      }
      pairs.append((target, pair))
    }
    return pairs
  }
}
