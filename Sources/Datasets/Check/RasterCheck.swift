import Foundation
import Formats

/// Looks at rasters and pictures: a file, or all below a folder, compared folder by folder.
package enum RasterCheck: DataChecker {
  package static let formats = [GeoTIFFFormat.name, ImageFolderFormat.name]

  /// What the files of one folder are.
  fileprivate struct Summary: Codable, Sendable {
    /// Below what was checked.
    var folder: String
    var files: Int
    var bands: [String]
    /// Rows and columns of the smallest and the largest.
    var smallest: [Int]
    var largest: [Int]
    /// Of each band over all files.
    var minimums: [Float]
    var maximums: [Float]
  }

  package static func fits(_ path: String) -> Bool { !files(path).isEmpty }

  package static func check(_ path: String, format: String?) throws -> DataCheck {
    let files = files(path).filter { format == nil || formatName(of: $0) == format }
    guard let first = files.first else {
      throw DataError.noFiles(pattern: path, suffixes: suffixes, available: [])
    }
    let root = isFolder(path) ? path : (path as NSString).deletingLastPathComponent
    let looked = try concurrentMap(files.count) { number -> Looked in
      look(at: files[number], root: root)
    }
    let folders = Dictionary(grouping: looked, by: \.folder).sorted { $0.key < $1.key }
    var problems = looked.flatMap(\.problems)
    var contents: [DataCheck.Content] = []
    for (folder, members) in folders {
      let sound = members.compactMap(\.found)
      problems += differences(sound)
      guard let first = sound.first else { continue }
      let sizes = sound.map { [$0.height, $0.width] }.sorted { $0[0] * $0[1] < $1[0] * $1[1] }
      let alike = sound.filter { $0.bands == first.bands }
      func over(_ value: (BandCheck.Band) -> Float, _ join: (Float, Float) -> Float) -> [Float] {
        first.bands.indices.map { band in
          alike.map { value($0.values[band]) }.reduce(value(first.values[band]), join)
        }
      }
      let summary = Summary(
        folder: folder, files: sound.count, bands: first.bands, smallest: sizes[0],
        largest: sizes[sizes.count - 1], minimums: over(\.minimum, min),
        maximums: over(\.maximum, max))
      contents.append(.init(summary, facts: summary.facts))
    }
    problems += duplicates(looked.compactMap(\.found))
    return DataCheck(
      path: path, format: format ?? formatName(of: first), contents: contents,
      problems: problems)
  }

  /// Statistics of each band over all rasters at a path, without what they mark as missing.
  ///
  /// - Throws: `DataError.noFiles`, `.filesDiffer` for files of other bands, `.bandWithoutValues`;
  ///   `FormatError` for an unreadable file.
  package static func statistics(
    of path: String, format: String?
  ) throws -> [FieldStatistics] {
    let paths = files(path).filter { format == nil || formatName(of: $0) == format }
    let opened = try concurrentMap(paths.count) { try open(paths[$0]) }
    guard let first = opened.first else {
      throw DataError.noFiles(pattern: path, suffixes: suffixes, available: [])
    }
    for file in opened where file.bands != first.bands {
      throw DataError.filesDiffer(
        property: "bands", first: first.path, expected: "\(first.bands)", second: file.path,
        found: "\(file.bands)")
    }
    let pixels = opened.reduce(0) { $0 + $1.width * $1.height }
    var bands = first.bands.enumerated().map {
      BandAccumulator(band: $1.isEmpty ? "band \($0)" : $1, expecting: pixels)
    }
    let input = RasterOptions.Input(name: "image", pattern: ".")
    for file in opened {
      let layer = try RasterScene.layer(file, input)
      let raw = RasterScaling(input, like: layer, statistics: nil)
      for window in file.strips {
        for (band, values) in try raw.validValues(of: layer, in: window).enumerated() {
          bands[band].add(values)
        }
      }
    }
    let found = bands.map(\.statistics)
    for band in found where band.count == 0 {
      throw DataError.bandWithoutValues(band: band.field, input: input.name)
    }
    return found
  }

  private static func open(_ path: String) throws -> PixelFile {
    try formatName(of: path) == ImageFolderFormat.name ? .png(path: path) : .raster(path: path)
  }

  // MARK: One file

  private struct Found: Sendable {
    let file: String
    let identifier: String
    let folder: String
    let width: Int
    let height: Int
    let bands: [String]
    let system: String
    let values: [BandCheck.Band]
    let digest: String
  }

  private struct Looked: Sendable {
    let folder: String
    let found: Found?
    let problems: [DataProblem]
  }

  private static func look(at path: String, root: String) -> Looked {
    let label = FileSearch.label(of: path, root: root)
    let folder = (label as NSString).deletingLastPathComponent
    let identifier = ((label as NSString).lastPathComponent as NSString).deletingPathExtension
    func problem(
      _ kind: DataProblem.Kind, _ severity: DataProblem.Severity, _ message: String
    ) -> DataProblem {
      .init(kind, severity, file: label, id: identifier, component: folder, message)
    }
    do {
      let file = try open(path)
      let check = try BandCheck(file)
      let names = file.bands.enumerated().map { $1.isEmpty ? "band \($0)" : $1 }
      var problems: [DataProblem] = []
      if check.bands.allSatisfy({ $0.valid == 0 }) {
        problems.append(problem(.noData, .error, "no valid value"))
      }
      for (name, band) in zip(names, check.bands) {
        if band.strays > 0 {
          problems.append(
            problem(
              .notFinite, .error,
              "\(band.strays) values of '\(name)' are NaN or infinite and no marker says so"))
        }
        // A picture of labels may show one class alone.
        if band.isConstant, !(names.count == 1 && band.isWhole) {
          problems.append(
            problem(.constantBand, .warning, "'\(name)' is \(band.minimum) throughout"))
        }
      }
      let found = Found(
        file: label, identifier: identifier, folder: folder, width: file.width,
        height: file.height, bands: names, system: file.geoReference.systemName,
        values: check.bands, digest: check.digest)
      return Looked(folder: folder, found: found, problems: problems)
    } catch {
      return Looked(
        folder: folder, found: nil, problems: [problem(.unreadable, .error, "\(error)")])
    }
  }

  // MARK: Files beside each other

  /// Files of a folder that differ from most of it in bands, coordinate system or size.
  private static func differences(_ files: [Found]) -> [DataProblem] {
    func odd<Key: Hashable>(
      _ kind: DataProblem.Kind, _ key: (Found) -> Key, _ text: (Key) -> String
    ) -> [DataProblem] {
      let groups = Dictionary(grouping: files, by: key)
      guard groups.count > 1,
        let usual = groups.max(by: { $0.value.count < $1.value.count }),
        // Pictures of many sizes, none of which is the usual one, are a set of such.
        2 * usual.value.count > files.count
      else { return [] }
      return files.filter { key($0) != usual.key }.map {
        .init(
          kind, .warning, file: $0.file, id: $0.identifier, component: $0.folder,
          "\(text(key($0))), most files have \(text(usual.key))")
      }
    }
    return odd(.bandsDiffer, \.bands) { "bands \($0.joined(separator: ", "))" }
      + odd(.sizeDiffers, { [$0.height, $0.width] }) { "\($0[0])×\($0[1]) pixels" }
      + odd(.systemDiffers, \.system) { "the coordinate system \($0)" }
  }

  /// Files with the content of another, outside of folders of labels.
  private static func duplicates(_ files: [Found]) -> [DataProblem] {
    let varied = files.filter { $0.values.contains { !$0.isConstant } }
    return Dictionary(grouping: varied, by: \.digest).values.filter { $0.count > 1 }.flatMap {
      let copies = $0.sorted { $0.file < $1.file }
      return copies.dropFirst().map {
        DataProblem(
          .duplicate, .warning, file: $0.file, id: $0.identifier, component: $0.folder,
          "the same values as \(copies[0].file)")
      }
    }
  }

  // MARK: Files

  private static let suffixes = GeoTIFFFormat.suffixes + ImageFolderFormat.suffixes

  private static func formatName(of path: String) -> String {
    FileSearch.hasSuffix(path, among: ImageFolderFormat.suffixes)
      ? ImageFolderFormat.name : GeoTIFFFormat.name
  }

  private static func files(_ path: String) -> [String] {
    guard isFolder(path) else {
      let found = try? FileSearch.files(
        path, root: FileManager.default.currentDirectoryPath, suffixes: suffixes)
      return (found ?? []).filter { FileSearch.hasSuffix($0, among: suffixes) }
    }
    let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return all.filter { file in
      !file.hasPrefix(".") && FileSearch.hasSuffix(file, among: suffixes)
    }.sorted { $0.compare($1, options: [.numeric, .literal]) == .orderedAscending }
      .map { path + "/" + $0 }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}

extension RasterCheck.Summary {
  /// What people read.
  fileprivate var facts: [(name: String, value: String)] {
    let sizes =
      smallest == largest
      ? "\(largest[0])×\(largest[1])"
      : "\(smallest[0])×\(smallest[1]) to \(largest[0])×\(largest[1])"
    let shown = bands.count <= 8 ? bands.joined(separator: ", ") : "\(bands.count)"
    let least = minimums.min() ?? 0
    let most = maximums.max() ?? 0
    return [
      ("folder", folder.isEmpty ? "." : folder), ("files", "\(files) of \(sizes) pixels"),
      ("bands", shown), ("values", "\(least) to \(most)"),
    ]
  }
}
