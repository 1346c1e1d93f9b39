import Layers
import Tensors

/// What a round of a federated run does to the base under an adapter.
extension AttachedAdapter {
  /// Adds pairs, by the number of their target, to the base weights.
  package func add(_ updates: [Int: AdapterSum.Pair]) {
    for (number, pair) in updates.sorted(by: { $0.key < $1.key }) {
      let target = modules[number].target
      let weight = target.site.weight
      let change = pair.product.padded(
        axis: 0, before: target.rows.lowerBound,
        after: target.site.outputs - target.rows.upperBound)
      weight.value = weight.value + change.reshaped(to: weight.shape)
    }
  }

  /// Gives all trained values first values, other ones in every round.
  package func drawAnew(round: Int) {
    for parameter in parameters { parameter.initialize(seed: seed ^ UInt64(round) << 40) }
  }

  /// The pairs of a round as an adapter of its own beside the base as it was, modules of full height.
  package func sum(
    of updates: [Int: AdapterSum.Pair], baseDigest: String?, baseName: String?
  ) -> AdapterSum {
    var found: [(module: String, pair: AdapterSum.Pair)] = []
    for (number, pair) in updates.sorted(by: { $0.key < $1.key }) {
      let target = modules[number].target
      var full = pair
      full.up = pair.up.padded(
        axis: 0, before: target.rows.lowerBound,
        after: target.site.outputs - target.rows.upperBound)
      let path = target.site.path
      guard let index = found.firstIndex(where: { $0.module == path }) else {
        found.append((path, full))
        continue
      }
      let known = found[index].pair
      found[index].pair = AdapterSum.Pair(
        down: .concatenated([known.down, full.down], axis: 0),
        up: .concatenated([known.up, full.up], axis: 1))
    }
    return AdapterSum(found, baseDigest: baseDigest, baseName: baseName)
  }
}
