import Crypto
package import Foundation

/// SHA-256 as 64 lower-case hex digits.
package enum SHA256Digest {
  /// Digest of a text in UTF-8.
  package static func of(_ text: String) -> String {
    of(Data(text.utf8))
  }

  /// Digest of bytes in memory.
  package static func of(_ data: Data) -> String {
    hex(SHA256.hash(data: data))
  }

  /// Digest of a file, read in pieces.
  ///
  /// - Parameter path: The file.
  /// - Returns: The digest.
  /// - Throws: `RecipeError` where the file is missing or cannot be read.
  package static func ofFile(_ path: String) throws(RecipeError) -> String {
    var hash = SHA256()
    // One buffer for all pieces: new memory for each would cost as much as a third of the hashing.
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    try read(path) { handle in
      while true {
        let count = Foundation.read(handle.fileDescriptor, piece.baseAddress, piece.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
          throw RecipeError.fileUnreadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard count > 0 else { break }
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[..<count]))
      }
    }
    return hex(hash.finalize())
  }

  /// Digest of a file's size, first and last 64 KiB (`data.digest: ends`).
  ///
  /// - Parameter path: The file.
  /// - Returns: The digest.
  /// - Throws: `RecipeError` where the file is missing or cannot be read.
  package static func ofEnds(of path: String) throws(RecipeError) -> String {
    let length: UInt64 = 64 << 10
    var hash = SHA256()
    try read(path) { handle in
      let size = try handle.seekToEnd()
      hash.update(data: Data("\(size)\n".utf8))
      try handle.seek(toOffset: 0)
      hash.update(data: try handle.read(upToCount: Int(length)) ?? Data())
      try handle.seek(toOffset: size > length ? size - length : 0)
      hash.update(data: try handle.read(upToCount: Int(length)) ?? Data())
    }
    return hex(hash.finalize())
  }

  private static func read(
    _ path: String, _ body: (FileHandle) throws -> Void
  ) throws(RecipeError) {
    guard FileManager.default.fileExists(atPath: path) else { throw .fileMissing(path: path) }
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      try body(handle)
    } catch let error as RecipeError {
      throw error
    } catch {
      throw .fileUnreadable(path: path, reason: error.localizedDescription)
    }
  }

  private static func hex(_ digest: SHA256.Digest) -> String {
    digest.map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }
}
