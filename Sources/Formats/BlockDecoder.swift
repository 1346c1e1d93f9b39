internal import CZlib
internal import CZstd
import Foundation

/// Decodes compressed blocks of known size one after the other; for one thread.
///
/// Deflate goes through libdeflate where the system has it (GDAL brings it along), else through zlib:
/// the bytes are the same, the time is less than half.
final class BlockDecoder {
  private var deflater: OpaquePointer?
  private var zstandard: OpaquePointer?

  deinit {
    if let deflater { Self.library?.free(deflater) }
    if let zstandard { ZSTD_freeDCtx(zstandard) }
  }

  /// Decodes a zlib stream that fills `target`; false where it is damaged or of another size.
  func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let library = Self.library else { return Self.inflateByZlib(source, into: target) }
    if deflater == nil { deflater = library.allocate() }
    guard let deflater else { return false }
    var count = 0
    let status = library.decompress(
      deflater, source.baseAddress, source.count, target.baseAddress, target.count, &count)
    return status == 0 && count == target.count
  }

  /// Decodes a Zstandard frame that fills `target`; false where it is damaged or of another size.
  func decodeZstandard(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    if zstandard == nil { zstandard = ZSTD_createDCtx() }
    return ZSTD_decompressDCtx(
      zstandard, target.baseAddress, target.count, source.baseAddress, source.count)
      == target.count
  }

  static func inflateByZlib(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var count = uLongf(target.count)
    let status = uncompress(
      target.assumingMemoryBound(to: UInt8.self).baseAddress, &count,
      source.assumingMemoryBound(to: UInt8.self).baseAddress, uLong(source.count))
    return status == Z_OK && Int(count) == target.count
  }

  /// The functions of libdeflate, whose headers are not needed.
  private struct Library: Sendable {
    typealias Allocate = @convention(c) () -> OpaquePointer?
    typealias Decompress =
      @convention(c) (
        OpaquePointer, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, Int,
        UnsafeMutablePointer<Int>
      ) -> Int32
    typealias Free = @convention(c) (OpaquePointer) -> Void

    let allocate: Allocate
    let decompress: Decompress
    let free: Free

    init?() {
      guard let handle = dlopen("libdeflate.so.0", RTLD_NOW | RTLD_LOCAL),
        let allocate = dlsym(handle, "libdeflate_alloc_decompressor"),
        let decompress = dlsym(handle, "libdeflate_zlib_decompress"),
        let free = dlsym(handle, "libdeflate_free_decompressor")
      else { return nil }
      self.allocate = unsafeBitCast(allocate, to: Allocate.self)
      self.decompress = unsafeBitCast(decompress, to: Decompress.self)
      self.free = unsafeBitCast(free, to: Free.self)
    }
  }

  private static let library = Library()

  /// Whether deflate is decoded by libdeflate.
  static var usesLibdeflate: Bool { library != nil }
}
