import Foundation

/// A text with a file on each line, and its class or other values behind it: `images/7.png 3`.
///
/// Blank lines and those that begin with `#` are passed over; between fields stand blanks, tabs or
/// commas.
struct FileList: Sendable {
  let path: String
  /// Names of the files, and what stands behind them.
  let entries: [(file: String, values: [String])]

  /// Whether a file's name says that it is a list.
  static func isList(_ path: String) -> Bool { path.lowercased().hasSuffix(".txt") }

  /// - Throws: `DataError.noFiles` for a list that is absent, `.listEmpty` for one without names.
  init(path: String) throws(DataError) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw .noFiles(pattern: path, suffixes: ["txt"], available: [])
    }
    self.path = path
    entries = text.split(whereSeparator: \.isNewline).compactMap { line in
      let line = line.trimmingCharacters(in: .whitespaces)
      guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
      let fields = line.split { $0 == " " || $0 == "\t" || $0 == "," }.map(String.init)
      return (fields[0], Array(fields.dropFirst()))
    }
    if entries.isEmpty { throw .listEmpty(path: path) }
  }

  /// Paths of the files, which lie below `root` or below the list's own folder.
  ///
  /// - Throws: `DataError.listedFileMissing` for one that does not exist.
  func files(root: String) throws(DataError) -> [String] {
    let folders = [root, URL(filePath: path).deletingLastPathComponent().path]
    var found: [String] = []
    for entry in entries {
      let candidates =
        entry.file.hasPrefix("/") ? [entry.file] : folders.map { $0 + "/" + entry.file }
      guard let file = candidates.first(where: { FileManager.default.fileExists(atPath: $0) })
      else { throw .listedFileMissing(list: path, file: candidates[0]) }
      found.append(file)
    }
    return found
  }
}
