import Adapters
import Backbones
import Datasets
import Foundation
import Recipes
import Tasks
import Training

/// What `list` can show.
package enum Listing: String, Sendable, CaseIterable {
  case models, adapters, tasks, datasets, metrics, recipes, fields
}

/// A name that recipes can use.
package struct ListedName: Codable, Sendable, Equatable {
  package var name: String
  package var summary: String
  /// Its formula is unverified: left out of rankings.
  package var isExperimental: Bool

  private enum CodingKeys: String, CodingKey {
    case name, summary
    case isExperimental = "experimental"
  }
}

/// A field of recipes.
package struct ListedField: Codable, Sendable, Equatable {
  /// Dotted path; options of a component stand behind its name, as `model.backbone(morph).dim`.
  package var name: String
  package var type: String
  /// As the reference writes it: a value, `required`, or where it comes from.
  package var standard: String
  package var meaning: String
  package var aliases: [String]

  private enum CodingKeys: String, CodingKey {
    case name, type, meaning, aliases
    case standard = "default"
  }
}

/// The names of one kind; empty for fields.
package func listedNames(_ listing: Listing) throws -> [ListedName] {
  let registries = Registries.standard
  switch listing {
  case .models: return registries.backbones.listed
  case .adapters: return registries.adapterMethods.listed
  case .tasks: return registries.tasks.listed
  case .datasets: return registries.dataFormats.listed
  case .metrics:
    return Metrics.all.map { metric in
      ListedName(
        name: metric.name,
        summary: metric.formula
          + (metric.lowerIsBetter ? " (less is better)" : " (more is better)"),
        isExperimental: false)
    }
  case .recipes:
    return try ShippedRecipes().all.map {
      ListedName(name: $0.name, summary: $0.summary, isExperimental: false)
    }
  case .fields: return []
  }
}

/// Every field of a recipe, and the options of all components.
package func listedFields() -> [ListedField] {
  let registries = Registries.standard
  return RecipeTable.single.fields(below: "")
    + registries.backbones.fields(of: "model.backbone")
    + registries.adapterMethods.fields(of: "adapter")
    + registries.adapterInitializations.fields(of: "adapter.init")
    + registries.adapterSchedules.fields(of: "adapter.schedule")
    + registries.adapterOptimizers.fields(of: "adapter.optimizer")
    + registries.federatedAggregations.fields(of: "federated.aggregation")
    + Tasks.heads.fields(of: "model.decoder") + Tasks.decoders.fields(of: "model.decoder")
    + Tasks.necks.fields(of: "model.neck")
    + registries.dataFormats.fields(of: "data.format")
    + Datasets.transforms.fields(of: "data.transforms")
    + Datasets.batchTransforms.fields(of: "data.transforms")
    + Datasets.degradations.fields(of: "data.degrade.list")
    + registries.losses.fields(of: "train.loss")
    + registries.optimizers.fields(of: "train.optimizer")
    + registries.schedulers.fields(of: "train.lr_scheduler")
}

/// The JSON Schema of a recipe with the options of every component, one line.
package func recipeSchema() -> String {
  JSONSchema(
    components: componentsByKind(),
    names: [
      "task": Registries.standard.tasks.names, "metric": Metrics.all.map { $0.name },
    ], allowsReferences: true
  ).recipe().json
}

/// All components that a recipe can name, by the kinds of its fields.
func componentsByKind() -> [String: [JSONSchema.Component]] {
  let registries = Registries.standard
  return [
    "backbone": registries.backbones.schemaComponents,
    "adapter method": registries.adapterMethods.schemaComponents + [.fullFineTuning],
    "adapter init": registries.adapterInitializations.schemaComponents,
    "federated aggregation": registries.federatedAggregations.schemaComponents,
    "decoder": Tasks.heads.schemaComponents.merged(with: Tasks.decoders.schemaComponents),
    "neck": Tasks.necks.schemaComponents,
    "data format": registries.dataFormats.schemaComponents,
    "transform": Datasets.transforms.schemaComponents + Datasets.batchTransforms.schemaComponents,
    "degradation": Datasets.degradations.schemaComponents,
    "loss": registries.losses.schemaComponents,
    "optimizer": registries.optimizers.schemaComponents,
    "learning rate schedule": registries.schedulers.schemaComponents,
  ]
}

extension JSONSchema.Component {
  /// `none`, which has no method of its own.
  fileprivate static let fullFineTuning = JSONSchema.Component(
    name: "none", summary: "training of what modules_to_save and bias name, or of everything",
    options: [])
}

extension [JSONSchema.Component] {
  /// Heads of vectors and of maps share names: such a name takes the options of both.
  fileprivate func merged(with others: [JSONSchema.Component]) -> [JSONSchema.Component] {
    map { own in
      guard let other = others.first(where: { $0.name == own.name }) else { return own }
      let more = other.options.options.filter { own.options[$0.name] == nil }
      return JSONSchema.Component(
        name: own.name, summary: own.summary,
        options: own.options.adding(OptionTable(more)))
    } + others.filter { other in !contains { $0.name == other.name } }
  }
}

extension Registry {
  fileprivate var schemaComponents: [JSONSchema.Component] {
    entries.map { JSONSchema.Component(Self.type(of: $0)) }
  }

  fileprivate var listed: [ListedName] {
    entries.map { entry in
      let type = Self.type(of: entry)
      return ListedName(
        name: type.name, summary: type.summary, isExperimental: type.isExperimental)
    }
  }

  func fields(of path: String) -> [ListedField] {
    entries.flatMap { entry in
      let type = Self.type(of: entry)
      return type.options.fields(below: "\(path)(\(type.name))")
    }
  }
}

extension OptionTable {
  /// The fields with those of the tables in them.
  fileprivate func fields(below path: String) -> [ListedField] {
    options.flatMap { option -> [ListedField] in
      let name = path.isEmpty ? option.name : "\(path).\(option.name)"
      let inner = option.type.innerTable
      let field = ListedField(
        name: name, type: inner == nil ? option.type.label : "section",
        standard: option.standard.label, meaning: option.meaning, aliases: option.aliases)
      return [field] + (inner?.table.fields(below: name + (inner?.suffix ?? "")) ?? [])
    }
  }
}

extension OptionType {
  /// The table of a section, or of each element of a list or a map of them.
  var innerTable: (table: OptionTable, suffix: String)? {
    switch self {
    case .table(let table, _): (table, "")
    case .list(let element, _): element.innerTable.map { ($0.table, ".0" + $0.suffix) }
    case .map(let value): value.innerTable.map { ($0.table, ".NAME" + $0.suffix) }
    default: nil
    }
  }
}
