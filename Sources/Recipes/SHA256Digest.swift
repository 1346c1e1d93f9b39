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
    FileBytes.hex(SHA256.hash(data: data))
  }

  /// Digest of a file, read in pieces.
  ///
  /// - Parameter path: The file.
  /// - Returns: The digest.
  /// - Throws: `RecipeError` where the file is missing or cannot be read.
  package static func ofFile(_ path: String) throws(RecipeError) -> String {
    try FileBytes.hash(path, with: SHA256.self)
  }

  /// Digest of a file's size, first and last 64 KiB (`data.digest: ends`).
  ///
  /// - Parameter path: The file.
  /// - Returns: The digest.
  /// - Throws: `RecipeError` where the file is missing or cannot be read.
  package static func ofEnds(of path: String) throws(RecipeError) -> String {
    let length: UInt64 = 64 << 10
    var hash = SHA256()
    try FileBytes.read(path) { handle in
      let size = try handle.seekToEnd()
      hash.update(data: Data("\(size)\n".utf8))
      try handle.seek(toOffset: 0)
      hash.update(data: try handle.read(upToCount: Int(length)) ?? Data())
      try handle.seek(toOffset: size > length ? size - length : 0)
      hash.update(data: try handle.read(upToCount: Int(length)) ?? Data())
    }
    return FileBytes.hex(hash.finalize())
  }
}
