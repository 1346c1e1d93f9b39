import Layers
package import Recipes
import Tensors

/// The exact mean of low-rank updates by stacking (FLoRA, arXiv 2409.05976, section 3.2):
/// A = [p_1 A_1; …; p_K A_K], B = [B_1, …, B_K], so that B A = Σ p_k B_k A_k, whatever the clients' ranks.
///
/// The update is added to the base weight in every round, and clients begin the next one with first
/// values of their pairs.
package struct FLoRA: FederatedAggregation {
  package static let name = "flora"
  package static let summary = "exact mean of low-rank updates by stacking, into the base weight"
  package static let options: OptionTable = []
  package static let movesBase = true

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func check(_ adapter: AttachedAdapter) throws(AdapterError) {
    _ = try adapter.plainPairs(for: Self.name)
    for (target, _) in adapter.modules where target.site.groupCount > 1 {
      throw .unsupported(
        module: target.site.path, method: adapter.settings.method,
        reason: "pairs of a convolution in groups cannot be stacked. Leave it out of target_modules"
      )
    }
  }

  package func aggregated(
    _ clients: [ClientValues], _ adapter: AttachedAdapter
  ) -> ServerValues {
    var server = ServerValues(values: [:])
    for (number, module) in adapter.modules.enumerated() {
      guard let pair = module.change as? LoRADelta else { continue }
      let sent = clients.compactMap { client -> (weight: Double, pair: AdapterSum.Pair)? in
        guard let down = client.values[pair.down.path], let up = client.values[pair.up.path] else {
          return nil
        }
        return (client.weight, AdapterSum.Pair(down: down, up: up.scaled(by: pair.scaling)))
      }
      server.updates[number] = Self.stacked(sent)
    }
    return server
  }

  /// One pair whose product is Σ p_k B_k A_k, of pairs A `[r_k, in...]` and B `[out, r_k, 1...]` of scaling 1
  /// and any ranks.
  package static func stacked(
    _ pairs: [(weight: Double, pair: AdapterSum.Pair)]
  ) -> AdapterSum.Pair {
    AdapterSum.Pair(
      down: .concatenated(pairs.map { $0.pair.down.scaled(by: $0.weight) }, axis: 0),
      up: .concatenated(pairs.map(\.pair.up), axis: 1))
  }
}
