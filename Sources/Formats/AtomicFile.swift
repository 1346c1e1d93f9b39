package import Foundation

/// A file under construction: it has a temporary name beside the target until `commit()`, and is
/// removed when dropped before.
package final class AtomicFile {
  /// Final name.
  package let path: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// Creates the temporary file.
  ///
  /// - Throws: `FormatError.cannotCreate`.
  package init(path: String) throws(FormatError) {
    self.path = path
    temporaryPath = try Temporary.path(for: path)
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .cannotCreate(path: path, reason: systemReason())
    }
  }

  /// Appends bytes.
  ///
  /// - Throws: `FormatError.writeFailed`.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    var rest = bytes
    while let base = rest.baseAddress, !rest.isEmpty {
      let written = Foundation.write(descriptor, base, rest.count)
      if written < 0 {
        guard errno == EINTR else { throw .writeFailed(path: path, reason: systemReason()) }
      } else {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
      }
    }
  }

  /// Appends the bytes of `data`.
  package func write(_ data: Data) throws(FormatError) {
    try data.withUnsafeBytes { bytes in
      Result { () throws(FormatError) in try write(bytes) }
    }.get()
  }

  /// Flushes to the disk and gives the file its name; a file of that name is replaced.
  package func commit() throws(FormatError) {
    precondition(descriptor >= 0, "\(path) was committed twice")
    let flushed = fsync(descriptor) == 0
    let reason = systemReason()
    close(descriptor)
    descriptor = -1
    guard flushed else {
      unlink(temporaryPath)
      throw .writeFailed(path: path, reason: reason)
    }
    try Temporary.publish(temporaryPath, as: path)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporaryPath)
  }
}

/// Writes a file as a whole or not at all: whatever `write` throws, no file is left behind.
package func writeAtomically(to path: String, _ write: (AtomicFile) throws -> Void) throws {
  let file = try AtomicFile(path: path)
  try write(file)
  try file.commit()
}

/// Writes `data` as a whole or not at all.
package func writeAtomically(_ data: Data, to path: String) throws(FormatError) {
  let file = try AtomicFile(path: path)
  try file.write(data)
  try file.commit()
}
