import Foundation
import Synchronization

/// Digests of files kept from run to run by path, size, and times of change; for any thread.
///
/// The time at which the system last changed the file counts beside the one that programs can set, so
/// that a copy with its old date is not taken for the file that it replaced.
package final class FileDigestCache: Sendable {
  private struct Entry: Codable, Equatable {
    var bytes: Int
    /// Times of change and number of the file.
    var stamp: String
    var method: String
    var sha256: String
  }

  private struct Contents {
    /// By absolute path.
    var entries: [String: Entry] = [:]
    var hasChanged = false
  }

  private let contents = Mutex(Contents())

  /// Whether it holds digests that its file does not.
  package var hasChanged: Bool { contents.withLock(\.hasChanged) }

  package init() {}

  /// The cache in a file; empty where the file is missing or of another form, since it only saves
  /// time.
  package init(file: String) {
    guard let data = FileManager.default.contents(atPath: file),
      let entries = try? JSONDecoder().decode([String: Entry].self, from: data)
    else { return }
    contents.withLock { $0.entries = entries }
  }

  /// Digests of files below `root`, computed only where size or time of change differ from before.
  ///
  /// - Parameters:
  ///   - names: Relative to `root`.
  ///   - root: Folder of the data.
  ///   - method: All bytes, or size and both ends.
  /// - Returns: The manifest.
  /// - Throws: `RecipeError` naming the file that is missing or cannot be read.
  package func manifest(
    of names: [String], root: String, method: DataSection.FileDigests = .full
  ) throws(RecipeError) -> Manifest {
    var files: [Manifest.File] = []
    for name in names {
      let entry = try entry(FilePath.absolute(name, relativeTo: root), method)
      files.append(.init(name: name, bytes: entry.bytes, sha256: entry.sha256))
    }
    return Manifest(files)
  }

  /// SHA-256 of all bytes of a file, computed only where size or time of change differ from before.
  ///
  /// - Parameter path: Of the file; relative to the current folder, or absolute.
  /// - Returns: 64 hexadecimal digits.
  /// - Throws: `RecipeError` where the file is missing or cannot be read.
  package func digest(of path: String) throws(RecipeError) -> String {
    let folder = FileManager.default.currentDirectoryPath
    return try entry(FilePath.absolute(path, relativeTo: folder), .full).sha256
  }

  private func entry(
    _ path: String, _ method: DataSection.FileDigests
  ) throws(RecipeError) -> Entry {
    guard let before = FileStamp(path) else { throw .fileMissing(path: path) }
    let known = contents.withLock { $0.entries[path] }
    if let known, known.bytes == before.bytes, known.stamp == before.text,
      known.method == method.rawValue
    {
      return known
    }
    let digest =
      switch method {
      case .full: try SHA256Digest.ofFile(path)
      case .ends: try SHA256Digest.ofEnds(of: path)
      }
    let entry = Entry(
      bytes: before.bytes, stamp: before.text, method: method.rawValue, sha256: digest)
    // A file that was written a moment ago may be written once more within the same tick of its time.
    if before.isSettled {
      contents.withLock {
        $0.entries[path] = entry
        $0.hasChanged = true
      }
    }
    return entry
  }

  /// Writes the cache, under a temporary name first.
  ///
  /// - Parameter file: Where it goes; the folder must exist.
  /// - Throws: `RecipeError` where it cannot be written.
  package func write(to file: String) throws(RecipeError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(contents.withLock(\.entries))
        .write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw .fileUnwritable(path: file, reason: error.localizedDescription)
    }
  }
}
