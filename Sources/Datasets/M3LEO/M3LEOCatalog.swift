import Foundation
import Formats
package import Recipes

/// Chips of M3LEO by area, component and identifier; parts by the published tables.
package struct M3LEOCatalog: RasterCatalog {
  package enum StatisticsScope: String, CaseIterable, Sendable { case area, all }

  /// Folders below the root; nil takes all that have a table of parts.
  private let areas: [String]?
  package let separatesGroups: Bool
  private let shelf = ShardShelf()

  package init?(
    _ section: DataSection, _ format: any RasterFormat.Type, _ diagnostics: Diagnostics
  ) {
    let reader = OptionReader(section.format, format.options, diagnostics)
    areas = reader.value("areas").map { _ in reader.texts("areas") }
    separatesGroups = reader.choice("stats_by", as: StatisticsScope.self) == .area
    if section.split.method.name != "column" {
      diagnostics.error(
        .rule(
          "the areas' tables say which chips there are and to which part each belongs",
          mend: "give {method: column, file: \"*/*_splits_*.csv\"}"),
        at: section.split.method.nameLocation, path: section.split.method.path)
      return nil
    }
  }

  package func source(
    _ section: RasterSourceSection, _ diagnostics: Diagnostics
  ) -> RasterSource? {
    switch section.source {
    case .component(let folder):
      guard let component = M3LEOComponent(folder: folder) else {
        diagnostics.error(
          .unknownName(
            kind: "M3LEO component", name: folder,
            known: M3LEOComponent.list.flatMap(\.patterns)),
          at: section.location, path: section.path + ".component")
        return nil
      }
      // What a label's 0 means, label_map and unmapped say.
      let isLabel = !section.isInput && component.kind == .esaworldcover
      let selection = M3LEOSelection(
        component, bands: section.bands, variable: section.variable,
        selections: section.selections, noData: section.noData ?? (isLabel ? .nan : nil),
        at: section.path, diagnostics)
      return selection.map { selection in
        RasterSource(pattern: folder) { [shelf] path in
          try selection.open(shelf.chip(at: path, of: component))
        }
      }
    case .files:
      diagnostics.error(
        .rule("chips lie in folders of components", mend: "give component"),
        at: section.location, path: section.path + ".path")
      return nil
    case nil:
      if section.isInput {
        diagnostics.error(
          .rule("an input needs its component", mend: "give component, such as s1grd-2020"),
          at: section.location, path: section.path + ".component")
      }
      return nil
    }
  }

  package func candidates(_ options: RasterOptions) throws -> [RasterCandidate] {
    guard case .column(let split) = options.split.method else {
      preconditionFailure("chips are split by a table")
    }
    let tables = try self.tables(split.file, root: options.root)
    return try tables.flatMap { area, table in
      let parts = try split.parts(in: table)
      let shards = try Self.shards(in: table)
      let folders = try options.sources.map {
        try Folder($0.source.pattern, area, table: table, shards: shards)
      }
      return parts.keys.sorted().compactMap { chip -> RasterCandidate? in
        guard let part = parts[chip] ?? nil else { return nil }
        var candidate = RasterCandidate(
          identifier: "\(area)/\(chip)", places: folders.map { $0.place(of: chip) })
        candidate.group = area
        candidate.part = part
        return candidate
      }
    }
  }

  /// Shard of each chip where a table names them, as in the published release.
  ///
  /// - Throws: `FormatError` for a file that is no table.
  static func shards(in table: String) throws(FormatError) -> [String: String] {
    let table = try CSVTable(path: table)
    guard let shard = table.column("parquet_identifier"),
      let chip = LabelTable.identifierColumn(of: table)
    else { return [:] }
    return Dictionary(table.rows.map { ($0[chip], $0[shard]) }) { first, _ in first }
  }

  /// The table of each area, in their order.
  private func tables(
    _ pattern: String, root: String
  ) throws -> [(area: String, path: String)] {
    let found = try FileSearch.files(pattern, root: root, suffixes: ColumnSplit.suffixes)
    let byArea = Dictionary(grouping: found) { path in
      String(FileSearch.label(of: path, root: root).split(separator: "/").first ?? "")
    }
    return try (areas ?? byArea.keys.sorted()).map { area in
      let tables = byArea[area] ?? []
      guard tables.count == 1 else {
        let names = tables.map { FileSearch.label(of: $0, root: root) }
        throw DataError.optionInvalid(
          key: "data.split.file",
          found: tables.isEmpty
            ? "no table of area '\(area)' (areas with one: "
              + byArea.keys.sorted().joined(separator: ", ") + ")"
            : "\(tables.count) tables of area '\(area)': " + names.joined(separator: ", "),
          expected: "one table for each area")
      }
      return (area, tables[0])
    }
  }

  /// The chips of a component in an area, as its folder lists them.
  struct Folder {
    let component: M3LEOComponent?
    let path: String
    private let names: Set<String>
    /// Shard of each chip.
    private let shards: [String: String]

    /// Of the component `name` beside the tables of an area.
    ///
    /// - Throws: `DataError.componentMissing` where the area has no such folder.
    init(
      _ name: String, _ area: String, table: String, shards: [String: String] = [:]
    ) throws(DataError) {
      self.shards = shards
      component = M3LEOComponent(folder: name)
      let tiles = Self.tiles(of: table)
      let found = (component?.spellings ?? [name]).map { tiles + "/" + $0 }
        .first { FileManager.default.fileExists(atPath: $0) }
      guard let found else {
        throw .componentMissing(
          component: name, area: area, folder: tiles,
          available: (try? FileManager.default.contentsOfDirectory(atPath: tiles)) ?? [])
      }
      path = found
      names = Set((try? FileManager.default.contentsOfDirectory(atPath: found)) ?? [])
    }

    /// The folder of components that belongs to a table: what stands before `_splits` in its path.
    static func tiles(of table: String) -> String {
      table.range(of: "_splits", options: .backwards).map { String(table[..<$0.lowerBound]) }
        ?? (table as NSString).deletingLastPathComponent
    }

    /// Where the file of a chip lies, or why there is none.
    func place(of chip: String) -> RasterCandidate.Place {
      guard let component else { return .absent(reason: "no component", isNormal: false) }
      for name in component.fileNames(for: chip) where names.contains(name) {
        return .file(path + "/" + name)
      }
      if let shard = shards[chip].map({ $0 + ShardShelf.suffix }), names.contains(shard) {
        return .file(path + "/" + shard + "/" + chip)
      }
      let folder = component.folder
      if let marker = component.marker(for: chip), names.contains(marker) {
        let text = (try? String(contentsOfFile: path + "/" + marker, encoding: .utf8)) ?? ""
        let word = text.split(whereSeparator: \.isWhitespace).first ?? "marked as without data"
        return .absent(reason: "\(folder): \(word)", isNormal: true)
      }
      return .absent(
        reason: "no chip in \(folder)", isNormal: component.absence == .normal)
    }

    /// Files that are chips, without their ending.
    var chips: Set<String> {
      let suffixes = component?.suffixes ?? []
      return Set(
        names.compactMap { name in
          suffixes.first { name.hasSuffix("." + $0) }.map { String(name.dropLast($0.count + 1)) }
        })
    }
  }
}
