import Foundation

/// Paths of files as texts.
package enum FilePath {
  /// The absolute path with `.` and `..` worked out on the text; links are not followed.
  package static func absolute(_ path: String, relativeTo directory: String) -> String {
    if !path.hasPrefix("/") {
      let base = directory.hasPrefix("/") ? directory : current + "/" + directory
      return absolute(base + "/" + path, relativeTo: "/")
    }
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." {
        _ = parts.popLast()
      } else {
        parts.append(part)
      }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The absolute path of the folder that holds a file.
  package static func directory(of path: String) -> String {
    let full = absolute(path, relativeTo: ".")
    return full.lastIndex(of: "/").map { String(full[..<$0]) }.map { $0.isEmpty ? "/" : $0 } ?? "/"
  }

  /// The current folder.
  package static var current: String { FileManager.default.currentDirectoryPath }
}
