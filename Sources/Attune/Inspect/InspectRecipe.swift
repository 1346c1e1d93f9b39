import Adapters
import Layers
import Recipes

/// The model that a recipe describes: modules with their groups, and what is trained.
///
/// Weights and data are not read. Of a recipe with a sweep it is the model without it.
func inspectRecipe(_ path: String) throws -> Inspection {
  let plan: RunPlan
  var runs: Int?
  do {
    plan = try RunPlan(file: path, overrides: [])
  } catch RunError.sweepGiven {
    runs = try BatchPlan.members(of: path, []).count
    plan = try RunPlan(file: path, overrides: [Override("~sweep")])
  }
  let model = try plan.model.assemble(readingWeights: false)
  var inspection = Inspection(path, .recipe)
  inspection.add("name", plan.recipe.name)
  inspection.add("task", plan.recipe.task)
  if let runs { inspection.add("sweep", "\(runs) runs") }
  inspection.add("backbone", model.backboneName)
  for adapter in model.adapted.adapters { inspection.add("adapter", adapter.settings.method) }
  inspection.add("parameters", model.adapted.totalCount)
  inspection.add("trained", model.adapted.trainableCount)
  inspection.add("groups", model.tree.groups.joined(separator: ", "))

  var trainedBySite: [String: Int] = [:]
  for module in model.adapted.adapters.flatMap(\.modules) {
    trainedBySite[module.target.site.path, default: 0] +=
      module.change.parameters.reduce(0) { $0 + $1.elementCount }
  }
  var listed = Set<String>()
  for parameter in model.tree.parameters {
    let site = model.tree.sites.first { $0.weight === parameter || $0.bias === parameter }
    let name = site?.path ?? parameter.path
    guard listed.insert(name).inserted else { continue }
    let own = [site?.weight ?? parameter, site?.bias].compactMap { $0 }.filter(\.isTrainable)
    let trained = own.reduce(trainedBySite[name] ?? 0) { $0 + $1.elementCount }
    inspection.parts.append(
      .init(
        name: name, shape: (site?.weight ?? parameter).shape,
        type: trained > 0 ? "trains \(trained)" : "frozen",
        note: site.map { $0.groups.joined(separator: ", ") }))
  }
  return inspection
}
