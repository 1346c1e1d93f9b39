internal import Foundation
internal import Glibc

/// The sole right to write something, held through a lock on a file that the system takes back when
/// the process ends, however it ends.
package final class FileLock: Sendable {
  private let descriptor: Int32
  /// False on file systems that know no locks: then nobody is kept out.
  package let isHeld: Bool

  /// Takes the lock without waiting; nil where another has it.
  ///
  /// - Parameter path: File to lock, made if need be; it says who holds the lock, and stays.
  /// - Throws: The system's reason where the file cannot be made.
  package init?(path: String) throws(Refusal) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw Refusal(path: path, reason: String(cString: strerror(errno)))
    }
    var isTaken = flock(descriptor, LOCK_EX | LOCK_NB) == 0
    // Someone may just be looking whether it is held.
    for _ in 0..<Self.looks where !isTaken && errno == EWOULDBLOCK {
      usleep(10_000)
      isTaken = flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
    if isTaken {
      isHeld = true
    } else if errno == EWOULDBLOCK {
      close(descriptor)
      return nil
    } else {
      isHeld = false
    }
    let holder = "process \(getpid()) on \(ProcessIdentity.current.host)\n"
    ftruncate(descriptor, 0)
    _ = pwrite(descriptor, holder, holder.utf8.count, 0)
  }

  deinit {
    // Closing alone would leave it to a child that was forked and has not begun its program yet.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Whether a process holds the lock of a file.
  package static func isHeld(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  private static let looks = 5

  /// Who holds the lock of a file, as they wrote it.
  package static func holder(of path: String) -> String {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let line = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return line.isEmpty ? "another process" : line
  }

  /// The file cannot be made.
  package struct Refusal: Error {
    package let path: String
    package let reason: String
  }
}
