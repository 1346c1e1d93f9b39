import Layers
package import Recipes

/// The mean of every trained value by the clients' weights (FedAvg, arXiv 1602.05629).
///
/// Of a low-rank pair the means of both factors do not multiply to the mean of the products:
/// (Σ p_k B_k)(Σ p_k A_k) ≠ Σ p_k B_k A_k. How far they are apart stands in the record of every round.
package struct FedAvg: FederatedAggregation {
  package static let name = "fedavg"
  package static let summary = "means of all trained values by the clients' weights; any method"
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func check(_ adapter: AttachedAdapter) throws(AdapterError) {}

  package func aggregated(
    _ clients: [ClientValues], _ adapter: AttachedAdapter
  ) -> ServerValues {
    var server = ServerValues(values: [:])
    for parameter in adapter.parameters {
      server.values[parameter.path] = ClientValues.mean(clients, of: parameter.path)
    }
    return server
  }
}
