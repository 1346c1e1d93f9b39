import Datasets
import Foundation
import Formats
import Recipes

/// Images with a table that says something of each.
enum TableSurvey: DataSurvey {
  static let kind = "images with a table"

  static func draft(of folder: SurveyedFolder) throws -> RecipeDraft? {
    let tables = folder.files(ending: ["csv", "tsv"])
    guard tables.count == 1, let table = try? CSVTable(path: folder.path(tables[0])),
      let identifier = sampleColumn(of: table), !table.rows.isEmpty
    else { return nil }
    let images = folder.files(ending: SurveyedRasters.suffixes)
    guard
      let found = images.first(where: { file in
        let name = (file as NSString).lastPathComponent
        let names = [file, name, (name as NSString).deletingPathExtension]
        return names.contains(table.rows[0][identifier].trimmingCharacters(in: .whitespaces))
      })
    else { return nil }
    let inFolder = (found as NSString).deletingLastPathComponent
    let rasters = try SurveyedRasters(
      images.filter { ($0 as NSString).deletingLastPathComponent == inFolder }, in: inFolder,
      of: folder)
    var draft = RecipeDraft()
    let split = table.columns.firstIndex { PartColumn.isOne($0, of: table) }
    let columns = table.columns.indices.filter { $0 != identifier && $0 != split }
    guard addTarget(table, tables[0], columns, &draft) else { return nil }
    draft.addInput(rasters, pattern: rasters.pattern)
    draft.addViT(side: 224)
    draft.set("data.transforms", [["name": "resize", "size": 224], "horizontal-flip"])
    if let split {
      draft.set(
        "data.split",
        ["method": "column", "file": .text(tables[0]), "column": .text(table.columns[split])])
    } else {
      let isClass = draft["task"] == "classification"
      draft.set(
        "data.split",
        ["method": isClass ? "stratified" : "random", "fractions": [0.7, 0.15, 0.15]])
      draft.unknown("data.split", "which samples belong together: they must not be parted")
    }
    draft.addTraining()
    return draft
  }

  private static func sampleColumn(of table: CSVTable) -> Int? {
    let lowered = table.columns.map { $0.lowercased() }
    return sampleColumnNames.compactMap { lowered.firstIndex(of: $0) }.first
  }

  /// The task by what the columns hold: shares of classes, a class, a list of classes, a number.
  private static func addTarget(
    _ table: CSVTable, _ path: String, _ columns: [Int], _ draft: inout RecipeDraft
  ) -> Bool {
    func values(_ column: Int) -> [String] {
      table.rows.map { $0[column].trimmingCharacters(in: .whitespaces) }
    }
    func isNumeric(_ column: Int) -> Bool { values(column).allSatisfy { Double($0) != nil } }
    let numeric = columns.filter(isNumeric)
    draft.set("data.target.path", .text(path))
    let sums = table.rows.map { row in numeric.compactMap { Double(row[$0]) }.reduce(0, +) }
    if numeric.count >= 2, sums.allSatisfy({ abs($0 - 1) < 1e-3 }) {
      draft.set("task", "proportions")
      draft.set("data.target.class_names", .list(numeric.map { .text(table.columns[$0]) }))
      return true
    }
    guard let column = columns.first(where: { !isNumeric($0) }) ?? columns.first else {
      return false
    }
    let isClass = !isNumeric(column)
    let isList = isClass && values(column).contains { $0.contains(";") }
    draft.set("task", isList ? "multilabel" : isClass ? "classification" : "regression")
    draft.set("data.target.column", .text(table.columns[column]))
    if columns.count > 1 {
      let others = columns.filter { $0 != column }.map { table.columns[$0] }
      draft.unknown(
        "data.target", "which column is asked for: there are also \(others.joined(separator: ", "))"
      )
    }
    return true
  }
}

/// Columns that name the part of each sample.
enum PartColumn {
  static func isOne(_ name: String, of table: CSVTable) -> Bool {
    guard let place = table.column(name) else { return false }
    let values = Set(table.rows.map { $0[place].trimmingCharacters(in: .whitespaces) })
    return values.contains("train") && values.isSubset(of: ["train", "val", "test"])
  }
}
