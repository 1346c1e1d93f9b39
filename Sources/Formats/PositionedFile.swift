import Foundation

/// An open file that is read at given positions, by any number of threads at once; closed when
/// dropped.
final class PositionedFile: Sendable {
  /// What tells that a file is still the one that was looked at: its place, size and time of change.
  struct Identity: Sendable, Equatable {
    let device: UInt64
    let number: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int
  }

  private let descriptor: Int32
  let identity: Identity

  /// Opens a regular file; nil where the system refuses.
  init?(_ path: String) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      return nil
    }
    identity = Identity(
      device: UInt64(status.st_dev), number: UInt64(status.st_ino), size: Int(status.st_size),
      seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
  }

  deinit { close(descriptor) }

  /// Fills `target` with the bytes at `position`; false where the file ends before, or cannot be read.
  func read(at position: Int, into target: UnsafeMutableRawBufferPointer) -> Bool {
    guard position >= 0, target.count <= identity.size, position <= identity.size - target.count
    else { return false }
    var done = 0
    while done < target.count, let start = target.baseAddress {
      let count = pread(descriptor, start + done, target.count - done, off_t(position + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
