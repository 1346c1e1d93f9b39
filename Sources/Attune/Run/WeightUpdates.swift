import Adapters
import Layers
import Recipes
import Tensors

/// What adapters did to the weights that they stand on, for the record.
///
/// The decompositions of a large model take long; where all together cost more than `budget`
/// multiplications, weights spread evenly over the model are looked at.
func weightUpdates(
  of model: AdaptedModel, budget: Double = 5e10
) -> (updates: [RunRecord.WeightUpdate], left: Int) {
  let sites = model.tree.sites.filter(\.isAdapted)
  let total = sites.reduce(0) { $0 + UpdateSpectrum.cost(rows: $1.outputs, columns: $1.inputs) }
  let wanted = total <= budget ? sites.count : Int(Double(sites.count) * budget / total)
  let chosen = spread(sites, wanted)
  var ranks: [String: Int] = [:]
  for module in model.adapters.flatMap(\.modules) where module.target.rank > 0 {
    ranks[module.target.site.path, default: 0] += module.target.rank
  }
  let updates = chosen.compactMap { site -> RunRecord.WeightUpdate? in
    guard let merged = try? site.merged() else { return nil }
    let found = UpdateSpectrum(
      site.weight.value.reshaped(to: [site.outputs, -1]),
      merged.weight.reshaped(to: [site.outputs, -1]))
    return RunRecord.WeightUpdate(
      module: site.path, rank: ranks[site.path], effectiveRank: found.effectiveRank,
      relativeNorm: found.relativeNorm, intruders: found.intruders, looked: found.looked)
  }
  return (updates, updates.isEmpty ? 0 : sites.count - updates.count)
}

/// So many elements, the first and the last among them where there are two.
private func spread<Element>(_ elements: [Element], _ count: Int) -> [Element] {
  guard count < elements.count else { return elements }
  guard count > 1 else { return Array(elements.prefix(count)) }
  return (0..<count).map { elements[$0 * (elements.count - 1) / (count - 1)] }
}
