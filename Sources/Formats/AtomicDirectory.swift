import Foundation

/// A folder under construction: it has a temporary name beside the target until `commit()`, and is
/// removed when dropped before.
package final class AtomicDirectory {
  /// Final name.
  package let path: String
  /// Where to write meanwhile.
  package let temporaryPath: String
  private var isOpen = true

  /// Creates the temporary folder.
  ///
  /// - Throws: `FormatError.cannotCreate`.
  package init(path: String) throws(FormatError) {
    self.path = path
    temporaryPath = try Temporary.path(for: path)
    guard mkdir(temporaryPath, 0o777) == 0 else {
      throw .cannotCreate(path: path, reason: systemReason())
    }
  }

  deinit {
    if isOpen { try? FileManager.default.removeItem(atPath: temporaryPath) }
  }

  /// Path of `name` inside the folder under construction.
  package func file(_ name: String) -> String { temporaryPath + "/" + name }

  /// Flushes all that it holds to the disk and gives the folder its name.
  ///
  /// A folder of that name is first moved aside, then removed. A process killed between the two
  /// renamings leaves both whole under temporary names, where `leftovers(of:)` finds them.
  package func commit() throws(FormatError) {
    precondition(isOpen, "\(path) was committed twice")
    try flushContent()
    try Temporary.flush(temporaryPath, for: path)
    guard FileManager.default.fileExists(atPath: path) else {
      isOpen = false
      return try Temporary.publish(temporaryPath, as: path)
    }
    let aside = try Temporary.path(for: path)
    guard rename(path, aside) == 0 else {
      throw .writeFailed(path: path, reason: systemReason())
    }
    guard rename(temporaryPath, path) == 0 else {
      let reason = systemReason()
      rename(aside, path)
      throw .writeFailed(path: path, reason: reason)
    }
    isOpen = false
    try? FileManager.default.removeItem(atPath: aside)
    try Temporary.flush(Temporary.split(path).folder, for: path)
  }

  /// Names in the folder of `path` that killed writers of `path` left, as full paths.
  ///
  /// Those of this process are left out, since they may be under construction.
  package static func leftovers(of path: String) -> [String] {
    let (folder, name) = Temporary.split(path)
    let prefix = Temporary.prefix(of: name)
    let own = prefix + "\(getpid())-"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix(prefix) && !$0.hasPrefix(own) }.sorted()
      .map { folder + "/" + $0 }
  }

  private func flushContent() throws(FormatError) {
    guard let content = FileManager.default.enumerator(atPath: temporaryPath) else {
      throw .writeFailed(path: path, reason: "the temporary folder is gone")
    }
    for case let name as String in content {
      try Temporary.flush(temporaryPath + "/" + name, for: path)
    }
  }
}
