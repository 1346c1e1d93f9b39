package import Foundation

/// A picture of palette colors as PNG (ISO 15948), stored without compression.
///
/// Pictures in reports are of some thousand pixels, for which compression is not worth its code.
package struct IndexedPNG {
  package var width: Int
  package var height: Int
  package var palette: Palette
  /// One color number per pixel, row by row from the top.
  package var pixels: [UInt8]

  package init(width: Int, height: Int, palette: Palette, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.palette = palette
    self.pixels = pixels
  }

  /// The file.
  package var data: Data {
    precondition(pixels.count == width * height, "\(pixels.count) pixels for \(width)×\(height)")
    var file = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    let bitDepth: UInt8 = 8
    let indexed: UInt8 = 3
    file.append(chunk("IHDR", word(width) + word(height) + [bitDepth, indexed, 0, 0, 0]))
    file.append(chunk("PLTE", palette.colors.flatMap { [$0.red, $0.green, $0.blue] }))
    let rows = (0..<height).flatMap { [0] + pixels[$0 * width..<($0 + 1) * width] }
    file.append(chunk("IDAT", stored(rows)))
    file.append(chunk("IEND", []))
    return file
  }

  private func chunk(_ name: String, _ content: [UInt8]) -> Data {
    let body = Array(name.utf8) + content
    return Data(word(content.count) + body + word(Int(Self.cyclicRedundancyCheck(body))))
  }

  /// A zlib stream of stored blocks (RFC 1950, 1951).
  private func stored(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let end = min(start + 65_535, bytes.count)
      let length = UInt16(end - start)
      stream.append(end == bytes.count ? 1 : 0)
      for half in [length, ~length] { stream += [UInt8(half & 0xFF), UInt8(half >> 8)] }
      stream += bytes[start..<end]
      start = end
    } while start < bytes.count
    return stream + word(Int(adler(bytes)))
  }

  private func adler(_ bytes: [UInt8]) -> UInt32 {
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      low = (low + UInt32(byte)) % 65_521
      high = (high + low) % 65_521
    }
    return high << 16 | low
  }

  private func word(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func cyclicRedundancyCheck(_ bytes: [UInt8]) -> UInt32 {
    var remainder = UInt32.max
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~remainder
  }
}
