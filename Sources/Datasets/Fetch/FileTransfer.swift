import Foundation
import Recipes
import Synchronization

/// One file from its address to its place: tries, resumes, and checks before it gets its name.
struct FileTransfer {
  let file: DataCard.File
  let address: URL
  /// Where it goes.
  let path: String
  let policy: FetchPolicy

  /// Fetches the file; the part that an earlier fetch left is gone on with.
  ///
  /// - Returns: Its size and digest; without a digest in the card SHA-256.
  /// - Throws: `FetchError`.
  func run() throws -> (bytes: Int, digest: FileDigest) {
    let part = try PartialFile(
      path: path, address: address.absoluteString, mayTrustLength: file.digest != nil)
    defer { part.release() }
    let resumed = part.length
    try receive(part)
    var digest = try check(part)
    if let expected = file.digest, digest != expected, resumed > 0 {
      policy.report(
        .restart(path: file.path, reason: "the part from before does not belong to the file"))
      try part.restart()
      try receive(part)
      digest = try check(part)
    }
    if let expected = file.digest, digest != expected {
      try part.commit(as: ".bad")
      throw FetchError.digestDiffers(
        path: path, expected: "\(expected)", found: "\(digest)", kept: path + ".bad")
    }
    let bytes = part.length
    try part.commit()
    return (bytes, digest)
  }

  private func check(_ part: PartialFile) throws -> FileDigest {
    policy.report(.checking(path: file.path))
    return try part.digest(file.digest?.algorithm ?? .sha256)
  }

  private func receive(_ part: PartialFile) throws {
    if address.isFileURL { return try copy(part) }
    var failures = 0
    while true {
      let before = part.length
      if let total = part.origin?.totalBytes ?? file.bytes, before == total, total > 0 { return }
      let reception = Reception(part: part, file: file, address: address, policy: policy)
      switch try reception.run() {
      case .complete: return
      case .again(let reason, let pause):
        failures = part.length > before ? 1 : failures + 1
        guard failures < policy.tries else {
          try part.pause()
          throw FetchError.serverAway(
            address: address.absoluteString, reason: reason, tries: policy.tries)
        }
        let wait = max(pause ?? 0, policy.firstPause * Double(1 << (failures - 1)))
        try sleep(min(wait, FetchPolicy.longestPause), reason, part)
      case .goOn: continue
      case .restart(let reason):
        failures += 1
        guard failures < policy.tries else {
          throw FetchError.serverAway(
            address: address.absoluteString, reason: reason, tries: policy.tries)
        }
        policy.report(.restart(path: file.path, reason: reason))
        try part.restart()
      }
    }
  }

  private func sleep(_ seconds: Double, _ reason: String, _ part: PartialFile) throws {
    policy.report(.retry(path: file.path, reason: reason, seconds: seconds))
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if policy.isStopped() {
        try part.pause()
        throw FetchError.stopped(path: path)
      }
      Thread.sleep(forTimeInterval: min(0.1, max(0.001, seconds)))
    }
  }

  /// Copies a local file.
  private func copy(_ part: PartialFile) throws {
    guard let size = TargetFolder.size(of: address.path) else {
      throw FetchError.missing(address: address.absoluteString, status: nil)
    }
    try part.restart()
    try Reception.require(size, of: file, at: path)
    try Reception.requireSpace(for: size, at: path, policy)
    try part.begin(.init(address: address.absoluteString, totalBytes: size))
    let source = try FileHandle(forReadingFrom: address)
    defer { try? source.close() }
    while let piece = try source.read(upToCount: 1 << 20), !piece.isEmpty {
      try part.append(piece)
      policy.report(.progress(path: file.path, bytes: part.length, total: size, resumed: 0))
      if policy.isStopped() { throw FetchError.stopped(path: path) }
    }
    try Reception.require(part.length, of: file, at: path)
  }
}
