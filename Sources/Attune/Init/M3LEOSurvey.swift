import Datasets
import Foundation
import Recipes

/// Chips of M3LEO: a table of parts in every area, components beside it.
enum M3LEOSurvey: DataSurvey {
  static let kind = "M3LEO chips"

  /// Inputs by preference, with what is known of them.
  private static let inputs: [(prefix: String, fields: [PlainValue.Field])] = [
    (
      "s2rgbm",
      [
        .init("months", ["03", "06", "09", "12"]), .init("unit", "reflectance"),
        .init("scale", 0.0011764706), .init("no_data", 0), .init("missing", "all"),
        .init("resolution", 10), .init("normalize", "zscore"),
      ]
    ),
    (
      "s1grd",
      [.init("unit", "db"), .init("resolution", 10), .init("normalize", "zscore")]
    ),
  ]

  /// Codes of ESA WorldCover with their classes.
  private static let covers: [(code: Int, name: String)] = [
    (10, "tree cover"), (20, "shrubland"), (30, "grassland"), (40, "cropland"), (50, "built-up"),
    (60, "bare"), (70, "snow and ice"), (80, "water"), (90, "wetland"), (95, "mangroves"),
    (100, "moss and lichen"),
  ]

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let areas = M3LEOAreas.all(at: folder.root)
    guard !areas.isEmpty else { return nil }
    let shared = areas.dropFirst().reduce(Set(areas[0].components)) {
      $0.intersection($1.components)
    }.sorted()
    var draft = RecipeDraft()
    draft.set("data.format.name", "m3leo")
    if areas[0].folder != folder.root {
      draft.set("data.format.areas", .list(areas.map { .text($0.name) }))
    }
    let known = inputs.lazy.compactMap { input in
      shared.first { $0.hasPrefix(input.prefix) }.map { ($0, input.fields) }
    }.first
    let input = known?.0 ?? shared.first { !$0.hasPrefix("esaworldcover") } ?? ""
    draft.set("data.inputs.image", .map([.init("component", .text(input))] + (known?.1 ?? [])))
    draft.comment(
      "data.inputs.image", "One of the components here: \(shared.joined(separator: ", ")).")
    if known == nil { draft.unknown("data.inputs.image", "unit, scale and selections of \(input)") }
    if let cover = shared.first(where: { $0.hasPrefix("esaworldcover") }) {
      addCover(cover, &draft)
    } else {
      draft.set("task", "pretrain-mae")
      draft.set("model.pretrain", ["decoder": ["embed_dim": 128, "depth": 2, "num_heads": 4]])
    }
    draft.set("model.backbone", ["name": "vit", "model": "vit_small_patch16_224"])
    let table = areas[0].folder == folder.root ? "*_splits_*.csv" : "*/*_splits_*.csv"
    draft.set("data.split", ["method": "column", "file": .text(table), "column": "split"])
    draft.comment("data.split", "The published parts.")
    draft.set("data.on_bad", "skip")
    draft.set("data.transforms", ["horizontal-flip", "vertical-flip"])
    draft.addTraining(adapting: draft["task"] != "pretrain-mae")
    return draft
  }

  private static func addCover(_ component: String, _ draft: inout RecipeDraft) {
    draft.set("task", "segmentation")
    draft.set("model.decoder", "linear")
    draft.set("data.target.component", .text(component))
    draft.set(
      "data.target.label_map",
      .map(covers.enumerated().map { .init("\($1.code)", .integer($0)) }))
    draft.set("data.target.unmapped", "ignore")
    draft.set("data.target.class_names", .list(covers.map { .text($0.name) }))
  }
}
