import Foundation
import Synchronization

/// Names for files and folders under construction, and the step that publishes them.
enum Temporary {
  private static let counter = Atomic(0)

  /// `.<name>.tmp-<process>-<number>` in the folder of `path`.
  static func path(for path: String) throws(FormatError) -> String {
    let (folder, name) = split(path)
    guard !name.isEmpty, name != ".", name != ".." else {
      throw .cannotCreate(path: path, reason: "the name is empty")
    }
    let number = counter.add(1, ordering: .relaxed).newValue
    return folder + "/" + prefix(of: name) + "\(getpid())-\(number)"
  }

  /// Start of the names that `path(for:)` makes for `name`.
  static func prefix(of name: String) -> String { ".\(name).tmp-" }

  /// Folder and last component; the folder of a bare name is `.`.
  static func split(_ path: String) -> (folder: String, name: String) {
    var path = Substring(path)
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else { return (".", String(path)) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  /// Renames a finished file or folder, then flushes the folder that holds it.
  static func publish(_ temporary: String, as path: String) throws(FormatError) {
    guard rename(temporary, path) == 0 else {
      let reason = systemReason()
      try? FileManager.default.removeItem(atPath: temporary)
      throw .writeFailed(path: path, reason: reason)
    }
    try flush(split(path).folder, for: path)
  }

  /// Flushes one file or folder to the disk.
  static func flush(_ entry: String, for path: String) throws(FormatError) {
    let descriptor = open(entry, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .writeFailed(path: path, reason: systemReason()) }
    defer { close(descriptor) }
    // Some network file systems cannot flush folders and say EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw .writeFailed(path: path, reason: systemReason())
    }
  }
}

/// The system's words for the last failed call.
func systemReason() -> String { String(cString: strerror(errno)) }
