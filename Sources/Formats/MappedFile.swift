import Foundation

/// The content of a file as memory, read from the disk when touched.
///
/// Safe to share between threads although unchecked: address and size never change, nothing here
/// writes to the memory, and it is unmapped when the last owner is gone. The mapping is private and
/// copied on write, so that a tensor that borrows it and is updated in place changes its own copy
/// and never the file. A `following` mapping instead shows what is written to the file later, and
/// cannot be written. The file must not be cut off meanwhile; files written here are replaced by
/// renaming, which leaves a mapped one whole.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  /// All bytes; empty for an empty file.
  package let bytes: UnsafeMutableRawBufferPointer

  /// Maps `path`.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - following: whether the memory shows what is written to the file from now on; it is then
  ///     for reading only.
  /// - Throws: `FormatError.fileMissing` or `.cannotRead`.
  package init(path: String, following: Bool = false) throws(FormatError) {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? .fileMissing(path: path) : .cannotRead(path: path, reason: systemReason())
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotRead(path: path, reason: systemReason())
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .cannotRead(path: path, reason: "it is not a regular file")
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    // Without reservation: a file may be larger than memory, of which little is ever changed.
    let start = mmap(
      nil, count, following ? PROT_READ : PROT_READ | PROT_WRITE,
      following ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, descriptor, 0)
    guard let start, start != MAP_FAILED else {
      throw .cannotRead(path: path, reason: systemReason())
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(start, bytes.count) }
  }

  /// Calls `body` with the bytes in `range`, which lies inside the file.
  package func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }

  /// A copy of the bytes in `range`, which lies inside the file.
  package func data(in range: Range<Int>) -> [UInt8] { Array(bytes[range]) }
}
