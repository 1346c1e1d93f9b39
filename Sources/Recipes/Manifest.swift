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
