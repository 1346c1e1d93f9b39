import Layers
package import Recipes

/// The mean of the small matrices between common factors (Fed-SB, arXiv 2502.15436):
/// B (Σ p_k R_k) A = Σ p_k B R_k A exactly, r² values a weight and client in either direction.
///
/// All clients have the factors A and B that were found before the first round.
package struct FedSB: FederatedAggregation {
  package static let name = "fed-sb"
  package static let summary = "exact mean of the r × r matrices of lora-sb or lora-xs"
  package static let options: OptionTable = []

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func check(_ adapter: AttachedAdapter) throws(AdapterError) {
    for (target, change) in adapter.modules where !(change is LatentDelta) {
      throw .unsupported(
        module: target.site.path, method: adapter.settings.method,
        reason: "fed-sb averages the matrices of lora-sb and lora-xs. Use one of these methods")
    }
  }

  package func aggregated(
    _ clients: [ClientValues], _ adapter: AttachedAdapter
  ) -> ServerValues {
    FedAvg().aggregated(clients, adapter)
  }
}
