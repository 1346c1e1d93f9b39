import Checkpoints
import Foundation
import Recipes
import Synchronization

/// SHA-256 of a checkpoint: of its file, or of the list of files of a sharded one with theirs.
///
/// `known` may hold digests from earlier runs, and takes those that are computed.
func digest(of files: [String], _ known: FileDigestCache = .init()) throws -> String {
  if let file = files.first, files.count == 1 { return try known.digest(of: file) }
  return SHA256Digest.of(
    try files.map { "\(URL(filePath: $0).lastPathComponent) \(try known.digest(of: $0))" }
      .joined(separator: "\n"))
}

/// SHA-256 of what a path of a recipe names: a checkpoint, an adapter's folder, or another file.
func digest(ofCheckpoint path: String, _ known: FileDigestCache = .init()) throws -> String {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    return try known.digest(of: path)
  }
  if isFolder.boolValue, let adapter = PEFTDirectory.files(in: path) {
    return try digest(of: adapter, known)
  }
  if isFolder.boolValue || path.hasSuffix(".index.json") {
    return try digest(of: try openCheckpoint(path).files, known)
  }
  return try known.digest(of: path)
}

/// A digest that is computed while something else reads the same files.
final class BackgroundDigest: Sendable {
  private let result = Mutex<Result<String, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  init(of files: [String], _ known: FileDigestCache) {
    Thread.detachNewThread { [self] in
      let found = Result { try digest(of: files, known) }
      result.withLock { $0 = found }
      done.signal()
    }
  }

  /// Waits for the digest; to be called once.
  func value() throws -> String {
    done.wait()
    guard let found = result.withLock({ $0 }) else {
      preconditionFailure("the digest's thread ended without a result")
    }
    return try found.get()
  }
}
