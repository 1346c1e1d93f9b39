import Foundation
import Recipes
import Synchronization

/// A file on its way: `NAME.part` with the bytes so far, and `NAME.part.json` with what tells whether
/// the server still has the same file.
///
/// Only one process at a time holds it. After `release` the bytes stay for the next fetch.
final class PartialFile: Sendable {
  /// What the server said of the file that the bytes belong to.
  struct Origin: Codable, Sendable, Equatable {
    var address: String
    /// Strong entity tag.
    var tag: String?
    /// Text of Last-Modified.
    var date: String?
    var totalBytes: Int?
    /// Bytes that are on the disk for sure, whatever happens to the machine.
    var flushedBytes = 0

    /// Value of If-Range; nil where the server gave none.
    var validator: String? { tag ?? date }
  }

  private struct State {
    var length: Int
    var origin: Origin?
    /// The file has its name.
    var isNamed = false
  }

  /// Final name.
  let path: String
  private let descriptor: Int32
  private let state: Mutex<State>

  private var partPath: String { path + ".part" }
  private var originPath: String { path + ".part.json" }
  /// Bytes between two flushes.
  private static let flushInterval = 64 << 20

  /// Opens the part file of `path`, or makes an empty one.
  ///
  /// `mayTrustLength` says that a digest will be compared in the end: then all bytes count, else only
  /// those that were flushed.
  ///
  /// - Throws: `FetchError.cannotCreate`, `.inUse`.
  init(path: String, address: String, mayTrustLength: Bool) throws(FetchError) {
    self.path = path
    let part = path + ".part"
    descriptor = open(part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .cannotCreate(path: part, reason: systemReason()) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw .inUse(path: part)
    }
    var status = stat()
    let stored = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    let origin = (try? Data(contentsOf: URL(filePath: path + ".part.json"))).flatMap {
      try? JSONDecoder().decode(Origin.self, from: $0)
    }
    // Bytes of another address are of no use.
    let known = origin?.address == address ? origin : nil
    let kept = known.map { mayTrustLength ? stored : min(stored, $0.flushedBytes) } ?? 0
    state = Mutex(State(length: kept, origin: known))
  }

  deinit { close(descriptor) }

  /// Lets others have it; without any bytes nothing stays.
  func release() {
    if state.withLock({ $0.length == 0 && !$0.isNamed }) {
      unlink(partPath)
      unlink(originPath)
    }
    flock(descriptor, LOCK_UN)
  }

  var length: Int { state.withLock { $0.length } }
  var origin: Origin? { state.withLock { $0.origin } }

  /// Forgets all bytes.
  func restart() throws(FetchError) {
    guard ftruncate(descriptor, 0) == 0 else { throw failure() }
    state.withLock { $0 = State(length: 0, origin: nil) }
  }

  /// The server's words of the file, before its first bytes.
  func begin(_ origin: Origin) throws(FetchError) {
    var origin = origin
    origin.flushedBytes = length
    state.withLock { $0.origin = origin }
    try store(origin)
  }

  /// Adds bytes at the end.
  func append(_ data: Data) throws(FetchError) {
    let start = length
    var reason: String?
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = pwrite(
          descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(start + done))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          reason = systemReason()
          return
        }
        done += count
      }
    }
    if let reason { throw .writeFailed(path: partPath, reason: reason) }
    let origin = state.withLock { state -> Origin? in
      state.length = start + data.count
      guard state.length - (state.origin?.flushedBytes ?? 0) >= Self.flushInterval else {
        return nil
      }
      state.origin?.flushedBytes = state.length
      return state.origin
    }
    guard let origin else { return }
    guard fdatasync(descriptor) == 0 else { throw failure() }
    try store(origin)
  }

  /// Flushes what came; the next fetch goes on behind it.
  func pause() throws(FetchError) {
    guard fdatasync(descriptor) == 0 else { throw failure() }
    guard var origin else { return }
    origin.flushedBytes = length
    try store(origin)
  }

  /// Digest of the bytes so far.
  func digest(_ algorithm: FileDigest.Algorithm) throws -> FileDigest {
    try cut()
    return try FileDigest(ofFile: partPath, algorithm)
  }

  /// Gives the file its final name, or another one beside it.
  func commit(as suffix: String = "") throws(FetchError) {
    try cut()
    guard fsync(descriptor) == 0 else { throw failure() }
    guard rename(partPath, path + suffix) == 0 else { throw failure() }
    state.withLock { $0.isNamed = true }
    unlink(originPath)
    let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// Removes bytes behind those that count, left by a machine that stopped.
  private func cut() throws(FetchError) {
    guard ftruncate(descriptor, off_t(length)) == 0 else { throw failure() }
  }

  private func store(_ origin: Origin) throws(FetchError) {
    do {
      try JSONEncoder().encode(origin).write(to: URL(filePath: originPath), options: .atomic)
    } catch {
      throw .writeFailed(path: originPath, reason: error.localizedDescription)
    }
  }

  private func failure() -> FetchError { .writeFailed(path: partPath, reason: systemReason()) }
}

/// The system's words for the last failed call.
private func systemReason() -> String { String(cString: strerror(errno)) }
