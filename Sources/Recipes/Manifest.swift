import Foundation

/// What a data set consists of: relative names, sizes and digests of its files.
package struct Manifest: Codable, Sendable, Equatable {
  package struct File: Codable, Sendable, Equatable {
    /// Relative to the data's root, with forward slashes.
    package var name: String
    package var bytes: Int
    package var sha256: String

    package init(name: String, bytes: Int, sha256: String) {
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// Sorted by name.
  package let files: [File]

  package init(_ files: [File]) {
    self.files = files.sorted { $0.name < $1.name }
  }

  /// SHA-256 over one line per file: name as JSON text, size, digest.
  package var digest: String {
    SHA256Digest.of(
      files.map { "\(JSONText.quoted($0.name)) \($0.bytes) \($0.sha256)\n" }.joined())
  }

  /// Names of files that were added, removed or changed since `earlier`, sorted.
  package func changes(since earlier: Manifest) -> [String] {
    let before = Dictionary(earlier.files.map { ($0.name, $0) }) { first, _ in first }
    let now = Dictionary(files.map { ($0.name, $0) }) { first, _ in first }
    return Set(before.keys).union(now.keys).filter { before[$0] != now[$0] }.sorted()
  }
}

/// File digests kept from run to run by path, size, and times of change.
///
/// The time at which the system last changed the file counts beside the one that programs can set, so
/// that a copy with its old date is not taken for the file that it replaced.
package struct FileDigestCache: Sendable {
  private struct Entry: Codable, Equatable {
    var bytes: Int
    /// Times of change and number of the file.
    var stamp: String
    var method: String
    var sha256: String
  }

  /// By absolute path.
  private var entries: [String: Entry] = [:]
  /// Whether it holds digests that its file does not.
  package private(set) var hasChanged = false

  package init() {}

  /// The cache in a file; empty where the file is missing or of another form, since it only saves
  /// time.
  package init(file: String) {
    guard let data = FileManager.default.contents(atPath: file),
      let entries = try? JSONDecoder().decode([String: Entry].self, from: data)
    else { return }
    self.entries = entries
  }

  /// Digests of files below `root`, computed only where size or time of change differ from before.
  ///
  /// - Parameters:
  ///   - names: Relative to `root`.
  ///   - root: Folder of the data.
  ///   - method: All bytes, or size and both ends.
  /// - Returns: The manifest.
  /// - Throws: `RecipeError` naming the file that is missing or cannot be read.
  package mutating func manifest(
    of names: [String], root: String, method: DataSection.FileDigests = .full
  ) throws(RecipeError) -> Manifest {
    var files: [Manifest.File] = []
    for name in names {
      files.append(try file(name, root: root, method: method))
    }
    return Manifest(files)
  }

  private mutating func file(
    _ name: String, root: String, method: DataSection.FileDigests
  ) throws(RecipeError) -> Manifest.File {
    let path = FilePath.absolute(name, relativeTo: root)
    guard let before = FileStamp(path) else { throw .fileMissing(path: path) }
    if let entry = entries[path], entry.bytes == before.bytes, entry.stamp == before.text,
      entry.method == method.rawValue
    {
      return .init(name: name, bytes: before.bytes, sha256: entry.sha256)
    }
    let digest =
      switch method {
      case .full: try SHA256Digest.ofFile(path)
      case .ends: try SHA256Digest.ofEnds(of: path)
      }
    // A file that was written a moment ago may be written once more within the same tick of its time.
    if before.isSettled {
      entries[path] = Entry(
        bytes: before.bytes, stamp: before.text, method: method.rawValue, sha256: digest)
      hasChanged = true
    }
    return .init(name: name, bytes: before.bytes, sha256: digest)
  }

  /// Writes the cache, under a temporary name first.
  ///
  /// - Parameter file: Where it goes; the folder must exist.
  /// - Throws: `RecipeError` where it cannot be written.
  package func write(to file: String) throws(RecipeError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(entries).write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw .fileUnwritable(path: file, reason: error.localizedDescription)
    }
  }
}
