internal import CHDF5
import Foundation

/// LZF, the compression that h5py adds to HDF5 (filter 32000) and libhdf5 does not have.
///
/// A stream is a sequence of runs. A control byte below 32 announces `control + 1` literal bytes.
/// Otherwise its upper three bits are a length (7: add the next byte), its lower five bits with the
/// following byte are a distance; `length + 2` bytes are copied from `distance + 1` bytes back.
package enum LZF {
  static let filterIdentifier: Int32 = 32000

  /// Decodes `source` into `target`.
  ///
  /// - Parameters:
  ///   - source: One stream, as long as it is.
  ///   - target: Room for what it decodes to.
  /// - Returns: Number of bytes written, or nil if the stream is cut off, refers to before its
  ///   start, or does not fit.
  package static func decode(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    guard let input = source.baseAddress else { return 0 }
    guard let output = target.baseAddress else { return nil }
    var read = 0
    var written = 0
    while read < source.count {
      let control = Int(input.load(fromByteOffset: read, as: UInt8.self))
      read += 1
      if control < 32 {
        let length = control + 1
        guard length <= source.count - read, length <= target.count - written else { return nil }
        if source.count - read >= 32, target.count - written >= 32 {
          // Never more than 32, and room for as many.
          for half in stride(from: 0, to: 32, by: 16) {
            (output + written).storeBytes(
              of: (input + read).loadUnaligned(fromByteOffset: half, as: SIMD16<UInt8>.self),
              toByteOffset: half, as: SIMD16<UInt8>.self)
          }
        } else {
          (output + written).copyMemory(from: input + read, byteCount: length)
        }
        read += length
        written += length
      } else {
        var length = control >> 5
        if length == 7 {
          guard read < source.count else { return nil }
          length += Int(input.load(fromByteOffset: read, as: UInt8.self))
          read += 1
        }
        guard read < source.count else { return nil }
        let distance =
          (control & 31) << 8 + Int(input.load(fromByteOffset: read, as: UInt8.self)) + 1
        read += 1
        length += 2
        guard distance <= written, length <= target.count - written else { return nil }
        let (to, from) = (output + written, output + written - distance)
        if distance >= 8, target.count - written >= length + 8 {
          copyWords(to, from, byteCount: length)
        } else {
          // Byte by byte: the copied range may overlap itself to repeat a pattern.
          for place in 0..<length {
            to.storeBytes(
              of: from.load(fromByteOffset: place, as: UInt8.self), toByteOffset: place,
              as: UInt8.self)
          }
        }
        written += length
      }
    }
    return written
  }

  /// Copies eight bytes at a time, up to seven beyond the end, in rising order.
  @inline(__always)
  private static func copyWords(
    _ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, byteCount: Int
  ) {
    for place in stride(from: 0, to: byteCount, by: 8) {
      target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: place, as: UInt64.self), toByteOffset: place,
        as: UInt64.self)
    }
  }
}

/// Largest chunk that HDF5 allows.
private let largestChunk = Int(UInt32.max)

/// Makes libhdf5 decode filter 32000; encoding is left out.
func registerLZF() {
  var description = H5Z_class2_t()
  description.version = H5Z_CLASS_T_VERS
  description.id = LZF.filterIdentifier
  description.encoder_present = 0
  description.decoder_present = 1
  // The library keeps the pointer for good.
  description.name = UnsafePointer(strdup("lzf"))
  description.filter = { flags, parameterCount, parameters, byteCount, bufferSize, buffer in
    guard flags & hdf5_filter_reversed() != 0, let buffer, let encoded = buffer.pointee,
      let bufferSize
    else { return 0 }
    // h5py stores the size of a decoded chunk as third parameter.
    let declared = parameterCount > 2 ? parameters.map { Int($0[2]) } ?? 0 : 0
    var capacity = declared > 0 ? declared : 8 * byteCount
    while capacity <= largestChunk {
      guard let decoded = malloc(capacity) else { return 0 }
      let source = UnsafeRawBufferPointer(start: encoded, count: byteCount)
      let target = UnsafeMutableRawBufferPointer(start: decoded, count: capacity)
      if let written = LZF.decode(source, into: target) {
        free(encoded)
        buffer.pointee = decoded
        bufferSize.pointee = capacity
        return written
      }
      free(decoded)
      guard declared == 0 else { return 0 }
      capacity *= 2
    }
    return 0
  }
  H5Zregister(&description)
}
