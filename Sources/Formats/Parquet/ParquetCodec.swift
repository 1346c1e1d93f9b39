internal import CZstd

/// How pages are compressed.
enum ParquetCodec: Int, Sendable {
  case none = 0
  case snappy = 1
  case zstd = 6

  /// Names of the codecs by number, for those that are not read.
  static let names = ["none", "Snappy", "gzip", "LZO", "Brotli", "LZ4", "Zstandard", "LZ4 raw"]

  /// More a page never has, by the type of its size.
  private static let largestPage = Int(Int32.max)

  /// Most bytes that one compressed byte can stand for: a Zstandard block of 128 KiB takes 4 bytes, a
  /// Snappy copy of 64 bytes takes 3.
  private var largestRatio: Int {
    switch self {
    case .none: 1
    case .snappy: 32
    case .zstd: 1 << 15
    }
  }

  /// The bytes of a page, of which the header says how many there are.
  ///
  /// - Throws: `ParquetDamage`, before anything is allocated where so few bytes cannot stand for so
  ///   many.
  func decompress(
    _ source: UnsafeRawBufferPointer, size: Int
  ) throws(ParquetDamage) -> [UInt8] {
    guard size >= 0, size <= Self.largestPage, size / largestRatio <= source.count else {
      throw ParquetDamage("a page of \(source.count) bytes claims to hold \(size)")
    }
    switch self {
    case .none:
      guard source.count == size else {
        throw ParquetDamage("a page of \(source.count) bytes claims to hold \(size)")
      }
      return Array(source)
    case .snappy: return try Snappy.decompress(source, size: size)
    case .zstd:
      var found = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
        let written = ZSTD_decompress(buffer.baseAddress, size, source.baseAddress, source.count)
        found = ZSTD_isError(written) == 0 ? written : -1
        filled = max(found, 0)
      }
      guard found == size else {
        throw ParquetDamage(
          found < 0 ? "a page is damaged" : "a page holds \(found) bytes in place of \(size)")
      }
      return bytes
    }
  }
}
