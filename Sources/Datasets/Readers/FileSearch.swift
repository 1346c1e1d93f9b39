import Foundation

/// Finds the files that a recipe names.
package enum FileSearch {
  /// Files of `pattern` below `root`: a file, a folder (its files with one of `suffixes`), a list of
  /// files (`.txt`), or a name with `*`, `?` and `[…]`; sorted so that `a_2` stands before `a_10`.
  ///
  /// - Throws: `DataError.noFiles`, and for a list `.listedFileMissing` and `.listEmpty`.
  package static func files(
    _ pattern: String, root: String, suffixes: [String]
  ) throws(DataError) -> [String] {
    let isAbsolute = pattern.hasPrefix("/")
    let full = isAbsolute ? pattern : pattern == "." ? root : root + "/" + pattern
    var found: [String] = []
    for path in expanded(full) {
      if isFolder(path) {
        found += contents(of: path).filter { hasSuffix($0, among: suffixes) }
      } else if FileList.isList(path), !suffixes.contains("txt") {
        found += try FileList(path: path).files(root: root)
      } else {
        found.append(path)
      }
    }
    guard !found.isEmpty else {
      let folder =
        isFolder(full) ? full : String(full[..<(full.lastIndex(of: "/") ?? full.endIndex)])
      throw .noFiles(
        pattern: full, suffixes: suffixes,
        available: contents(of: folder).map { URL(filePath: $0).lastPathComponent })
    }
    return found.sorted { $0.compare($1, options: [.numeric, .literal]) == .orderedAscending }
  }

  /// The path below `root`, or the whole path where it lies elsewhere.
  package static func label(of path: String, root: String) -> String {
    let (path, root) = (standardized(path), standardized(root))
    return path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
  }

  /// Whether a name ends in one of some endings, in capitals or not.
  static func hasSuffix(_ name: String, among suffixes: [String]) -> Bool {
    let name = name.lowercased()
    return suffixes.contains { name.hasSuffix("." + $0) }
  }

  private static func standardized(_ path: String) -> String {
    URL(filePath: path).standardizedFileURL.path
  }

  /// Existing paths that match a shell pattern; a path that exists matches itself.
  private static func expanded(_ pattern: String) -> [String] {
    if FileManager.default.fileExists(atPath: pattern) { return [pattern] }
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0 else { return [] }
    return (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
  }

  private static func contents(of folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted().map { folder + "/" + $0 }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
