import Crypto
import Foundation

/// The digest of a file's content under one of the algorithms that publishers use.
package struct FileDigest: Sendable, Hashable, CustomStringConvertible {
  package enum Algorithm: String, Sendable, CaseIterable {
    case sha256
    /// Guards against damage only: files with one MD5 can be made at will.
    case md5

    package var digits: Int { self == .sha256 ? 64 : 32 }
  }

  package let algorithm: Algorithm
  /// Lower case.
  package let hex: String

  /// Nil unless `hex` is of the algorithm's length.
  package init?(_ algorithm: Algorithm, _ hex: String) {
    guard hex.utf8.count == algorithm.digits, hex.allSatisfy({ $0.isHexDigit && $0.isASCII }) else {
      return nil
    }
    self.algorithm = algorithm
    self.hex = hex.lowercased()
  }

  /// The digest of a file, read in pieces.
  ///
  /// - Throws: `RecipeError` where the file is missing or cannot be read.
  package init(ofFile path: String, _ algorithm: Algorithm) throws(RecipeError) {
    self.algorithm = algorithm
    hex =
      switch algorithm {
      case .sha256: try FileBytes.hash(path, with: SHA256.self)
      case .md5: try FileBytes.hash(path, with: Insecure.MD5.self)
      }
  }

  /// `sha256:ab12…`.
  package var description: String { "\(algorithm.rawValue):\(hex)" }
}

/// Reading files for digests.
enum FileBytes {
  /// Hex digits of the hash of a whole file.
  static func hash<Hash: HashFunction>(
    _ path: String, with type: Hash.Type
  ) throws(RecipeError) -> String {
    var hash = Hash()
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

  /// Calls `body` with the open file.
  static func read(
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

  /// Lower-case hex digits of a digest.
  static func hex(_ digest: some Sequence<UInt8>) -> String {
    digest.map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }
}
