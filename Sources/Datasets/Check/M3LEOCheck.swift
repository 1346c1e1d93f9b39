import Foundation
import Formats
import Recipes

/// Looks at a tree of M3LEO: every chip of every component in every area.
enum M3LEOCheck: DataChecker {
  static let formats = [M3LEOFormat.name]

  /// What a component of an area holds.
  fileprivate struct Summary: Codable, Sendable {
    var area: String
    var component: String
    /// Chips that the area's table names.
    var chips: Int
    /// Of these, with a file that can be read to its end.
    var readable: Int
    /// Of these, without a file by the data set's own rules.
    var uncovered: Int
  }

  /// A table of parts and the folder of components beside it.
  private struct Area: Sendable {
    let name: String
    let table: String
    let tiles: String
    let components: [String]
    let parts: [String: SplitPart?]
  }

  static func fits(_ path: String) -> Bool { !tables(path).isEmpty }

  static func check(_ path: String, format: String?) throws -> DataCheck {
    let tables = tables(path)
    guard !tables.isEmpty else {
      throw DataError.layoutUnknown(
        path: path, format: M3LEOFormat.name,
        expected: "AREA/…_splits_….csv beside a folder of components",
        available: (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
    }
    var problems: [DataProblem] = []
    var areas: [Area] = []
    for table in tables {
      do {
        areas.append(try area(of: table, root: path))
      } catch {
        var kind = DataProblem.Kind.layout
        if case DataError.splitOverlap = error { kind = .splitOverlap }
        problems.append(
          .init(kind, .error, file: FileSearch.label(of: table, root: path), "\(error)"))
      }
    }
    // A component that other areas have; interferograms do not exist everywhere.
    let known = Set(areas.flatMap(\.components)).sorted()
    var contents: [DataCheck.Content] = []
    for area in areas {
      for name in known {
        guard let component = M3LEOComponent(folder: name) else { continue }
        guard area.components.contains(name) else {
          if component.absence != .normal {
            problems.append(
              .init(
                .absent, .error, file: FileSearch.label(of: area.tiles, root: path),
                component: name, "area \(area.name) has no such component, others have"))
          }
          continue
        }
        let (summary, found) = try look(at: component, in: area, root: path)
        contents.append(.init(summary, facts: summary.facts))
        problems += found
      }
    }
    return DataCheck(
      path: path, format: M3LEOFormat.name, contents: contents, problems: problems)
  }

  // MARK: Areas

  /// Tables of parts below a root, or below the root's area folders, that have tiles beside them.
  private static func tables(_ root: String) -> [String] {
    let found = ["*_splits_*.csv", "*/*_splits_*.csv"].flatMap { pattern in
      (try? FileSearch.files(pattern, root: root, suffixes: ["csv"])) ?? []
    }
    return found.filter { table in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(
        atPath: M3LEOCatalog.Folder.tiles(of: table), isDirectory: &isFolder) && isFolder.boolValue
    }
  }

  fileprivate static func areas(at root: String) -> [M3LEOAreas.Area] {
    tables(root).map { table in
      let folder = (table as NSString).deletingLastPathComponent
      let names = try? FileManager.default.contentsOfDirectory(
        atPath: M3LEOCatalog.Folder.tiles(of: table))
      return M3LEOAreas.Area(
        name: (folder as NSString).lastPathComponent, folder: folder,
        components: (names ?? []).sorted().filter { M3LEOComponent(folder: $0) != nil })
    }
  }

  private static func area(of table: String, root: String) throws -> Area {
    let tiles = M3LEOCatalog.Folder.tiles(of: table)
    let name = ((table as NSString).deletingLastPathComponent as NSString).lastPathComponent
    let folders = try FileManager.default.contentsOfDirectory(atPath: tiles).sorted()
    return Area(
      name: name, table: table, tiles: tiles,
      components: folders.filter { M3LEOComponent(folder: $0) != nil },
      parts: try ColumnSplit(file: table).parts(in: table))
  }

  // MARK: Components

  private static func look(
    at component: M3LEOComponent, in area: Area, root: String
  ) throws -> (Summary, [DataProblem]) {
    let folder = try M3LEOCatalog.Folder(
      component.folder, area.name, table: area.table,
      shards: M3LEOCatalog.shards(in: area.table))
    let shelf = ShardShelf()
    let label = FileSearch.label(of: folder.path, root: root)
    let chips = area.parts.keys.sorted()
    var summary = Summary(
      area: area.name, component: component.folder, chips: chips.count, readable: 0,
      uncovered: 0)
    var problems: [DataProblem] = []
    var files: [(chip: String, path: String)] = []
    for chip in chips {
      switch folder.place(of: chip) {
      case .file(let path): files.append((chip, path))
      case .absent(_, true): summary.uncovered += 1
      case .absent(let reason, false):
        problems.append(
          .init(
            .absent, .error, file: label, id: chip, component: component.folder,
            "\(reason), expected one for each chip of the table"))
      }
    }
    for stray in folder.chips.subtracting(chips).sorted() {
      problems.append(
        .init(
          .layout, .warning, file: label, id: stray, component: component.folder,
          "a chip that the table does not name"))
    }
    let list = files
    let looked = try concurrentMap(list.count) { number in
      ChipCheck(list[number].path, chip: list[number].chip, component, root: root, shelf)
    }
    summary.readable = looked.count { $0.isReadable }
    return (summary, problems + looked.flatMap(\.problems) + differences(looked, component))
  }

  /// Chips that differ from most of their component, and copies of others.
  private static func differences(
    _ chips: [ChipCheck], _ component: M3LEOComponent
  ) -> [DataProblem] {
    var problems: [DataProblem] = []
    let readable = chips.filter(\.isReadable)
    let systems = Dictionary(grouping: readable, by: \.system)
    if let usual = systems.max(by: { $0.value.count < $1.value.count }) {
      for chip in readable where chip.system != usual.key {
        problems.append(
          chip.problem(
            .systemDiffers, .warning,
            "the coordinate system \(chip.system), most chips have \(usual.key)"))
      }
    }
    if component.grid == .tenMeters {
      let sizes = Dictionary(grouping: readable) { [$0.height, $0.width] }
      if let usual = sizes.max(by: { $0.value.count < $1.value.count })?.key {
        // Cropping to a tile may change a side by one.
        for chip in readable
        where abs(chip.height - usual[0]) > 1 || abs(chip.width - usual[1]) > 1 {
          problems.append(
            chip.problem(
              .sizeDiffers, .warning,
              "\(chip.height)×\(chip.width) pixels, most chips have \(usual[0])×\(usual[1])"))
        }
      }
    }
    guard component.isSensor else { return problems }
    for copies in Dictionary(grouping: readable, by: \.digest).values where copies.count > 1 {
      let sorted = copies.sorted { $0.chip < $1.chip }
      problems += sorted.dropFirst().map {
        $0.problem(.duplicate, .warning, "the same values as chip \(sorted[0].chip)")
      }
    }
    return problems
  }
}

extension M3LEOCheck.Summary {
  /// What people read.
  fileprivate var facts: [(name: String, value: String)] {
    let rest = uncovered > 0 ? ", \(uncovered) not covered by the source" : ""
    return [("\(area)", "\(component): \(readable) of \(chips) chips\(rest)")]
  }
}

/// The areas of a tree of M3LEO, without a look at their chips.
package enum M3LEOAreas {
  package struct Area: Sendable {
    package let name: String
    /// Where the table of parts lies.
    package let folder: String
    /// Folders of components that are known.
    package let components: [String]
  }

  /// Areas at a root or in the folders below it; empty where nothing is laid out so.
  package static func all(at root: String) -> [Area] { M3LEOCheck.areas(at: root) }
}
