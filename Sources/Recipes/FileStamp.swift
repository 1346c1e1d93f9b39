import Foundation

/// Size and times of a file, to tell whether it is the same as before.
package struct FileStamp: Sendable {
  package let bytes: Int
  /// Times of change and number of the file.
  package let text: String
  /// It was last written some time ago by the clock of the machine.
  package let isSettled: Bool

  /// Nil for a file that is missing.
  package init?(_ path: String) {
    var found = stat()
    guard stat(path, &found) == 0 else { return nil }
    bytes = Int(found.st_size)
    let (written, changed) = (found.st_mtim, found.st_ctim)
    text =
      "\(written.tv_sec).\(written.tv_nsec) \(changed.tv_sec).\(changed.tv_nsec) \(found.st_ino)"
    let age = Date().timeIntervalSince1970 - Double(max(written.tv_sec, changed.tv_sec))
    isSettled = age > 2
  }
}
