import Datasets
import Recipes

/// The data sections of a recipe after decoding, before any file is opened.
struct DataPlan {
  /// One data set with its name and weight; a single one is called by its format.
  struct Source {
    let name: String
    let weight: Double
    let section: DataSection
    /// Dotted path of the section, as `data` or `data.sources.0`.
    let path: String
    var set: any DataSetPlan
  }

  var sources: [Source]
  let batchSize: Int

  /// Decodes; what is wrong or not offered goes to `diagnostics`, and then nil is returned.
  ///
  /// `target` is what the task needs.
  init?(
    _ recipe: Recipe, _ target: TargetKind, _ registries: Registries, _ diagnostics: Diagnostics
  ) {
    let single = [
      (name: recipe.data.format.name, weight: 1.0, section: recipe.data, path: "data")
    ]
    let several = recipe.sources.enumerated().map {
      (name: $1.name, weight: $1.weight, section: $1.data, path: "data.sources.\($0)")
    }
    let listed = recipe.sources.isEmpty ? single : several
    sources = listed.compactMap { item in
      let format = registries.dataFormats.entry(for: item.section.format, diagnostics)
      return format?.plan(item.section, target: target, diagnostics).map { set in
        Source(
          name: item.name, weight: item.weight, section: item.section, path: item.path, set: set)
      }
    }
    guard sources.count == listed.count, let first = sources.first else { return nil }
    batchSize = first.section.batchSize
    for other in sources where other.section.inputSteps != first.section.inputSteps {
      diagnostics.error(
        .rule("sources differ in n_steps_input", mend: "give all the same"),
        at: other.section.format.location, path: other.path)
    }
  }
}
