internal import CPNG
package import Foundation

/// A PNG picture with its samples as they are stored: no gamma, no scaling of small bit depths.
package struct PNGImage: Sendable, Equatable {
  package enum ColorModel: Sendable, Equatable {
    case gray, grayAlpha, rgb, rgba
    /// Samples are positions in a list of red, green and blue, with alpha where the file has it.
    case palette([[UInt8]])

    package var channelCount: Int {
      switch self {
      case .gray, .palette: 1
      case .grayAlpha: 2
      case .rgb: 3
      case .rgba: 4
      }
    }
  }

  package let width: Int
  package let height: Int
  package let colorModel: ColorModel
  /// Bits of a stored sample: 1, 2, 4, 8 or 16.
  package let bitDepth: Int
  /// `[height, width, channels]`, row-major, first row on top.
  package let samples: [UInt16]

  /// A picture to be written.
  ///
  /// - Parameters:
  ///   - width: Columns, at least 1.
  ///   - height: Rows, at least 1.
  ///   - colorModel: A palette has 1 to 256 colors.
  ///   - bitDepth: 8, or 16 without a palette.
  ///   - samples: `[height, width, channels]`, each below `1 << bitDepth`, and in the palette.
  package init(
    width: Int, height: Int, colorModel: ColorModel, bitDepth: Int, samples: [UInt16]
  ) {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    precondition(
      samples.count == width * height * colorModel.channelCount,
      "\(samples.count) samples for \(width)×\(height)×\(colorModel.channelCount)")
    precondition(
      bitDepth == 16 || samples.allSatisfy { $0 < 1 << bitDepth },
      "samples beyond \(bitDepth) bits")
    if case .palette(let colors) = colorModel {
      precondition(
        bitDepth == 8 && (1...256).contains(colors.count)
          && colors.allSatisfy { $0.count == 3 || $0.count == 4 }
          && samples.allSatisfy { $0 < colors.count },
        "a palette of \(colors.count) colors under \(bitDepth) bits")
    }
    self.width = width
    self.height = height
    self.colorModel = colorModel
    self.bitDepth = bitDepth
    self.samples = samples
  }

  /// Largest decoded picture, a limit for damaged headers.
  private static let largestByteCount = 1 << 32

  /// Reads the file at `path`.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    self = try file.withBytes(in: 0..<file.bytes.count) { (bytes) throws(FormatError) in
      try PNGImage(decoding: bytes, path: path)
    }
  }

  /// Decodes bytes in memory.
  ///
  /// - Parameters:
  ///   - bytes: A whole file.
  ///   - path: Where it comes from, for errors.
  /// - Throws: `FormatError.malformed`.
  package init(decoding bytes: UnsafeRawBufferPointer, path: String) throws(FormatError) {
    var picture = attune_png()
    defer { free(picture.rows) }
    let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    guard let start, attune_png_read(start, bytes.count, Self.largestByteCount, &picture) != 0,
      let rows = picture.rows
    else { throw .malformed(path: path, format: "PNG", reason: Self.reason(&picture)) }
    width = Int(picture.width)
    height = Int(picture.height)
    bitDepth = Int(picture.bit_depth)
    colorModel =
      switch picture.color_type {
      case PNG_COLOR_TYPE_GRAY: .gray
      case PNG_COLOR_TYPE_GRAY_ALPHA: .grayAlpha
      case PNG_COLOR_TYPE_RGB: .rgb
      case PNG_COLOR_TYPE_RGB_ALPHA: .rgba
      default: .palette(Self.palette(&picture))
      }
    let count = width * height * colorModel.channelCount
    if bitDepth == 16 {
      samples = rows.withMemoryRebound(to: UInt16.self, capacity: count) {
        Array(UnsafeBufferPointer(start: $0, count: count))
      }
    } else {
      samples = UnsafeBufferPointer(start: rows, count: count).map { UInt16($0) }
    }
  }

  /// The picture as the bytes of a file.
  package func encoded() -> Data {
    precondition(bitDepth == 8 || bitDepth == 16, "PNG with \(bitDepth) bits is not written")
    var picture = attune_png()
    picture.width = UInt32(width)
    picture.height = UInt32(height)
    picture.bit_depth = Int32(bitDepth)
    picture.color_type =
      switch colorModel {
      case .gray: PNG_COLOR_TYPE_GRAY
      case .grayAlpha: PNG_COLOR_TYPE_GRAY_ALPHA
      case .rgb: PNG_COLOR_TYPE_RGB
      case .rgba: PNG_COLOR_TYPE_RGB_ALPHA
      case .palette: PNG_COLOR_TYPE_PALETTE
      }
    if case .palette(let colors) = colorModel { Self.set(colors, in: &picture) }
    var rows = rowBytes
    picture.row_bytes = rows.count / height
    var output = attune_png_bytes()
    defer { free(output.start) }
    let isWritten = rows.withUnsafeMutableBufferPointer { rows in
      picture.rows = rows.baseAddress
      return attune_png_write(&picture, &output) != 0
    }
    // Writing to memory fails only for lack of memory.
    precondition(isWritten, "PNG of \(width)×\(height): \(Self.reason(&picture))")
    return Data(UnsafeBufferPointer(start: output.start, count: output.count))
  }

  /// Writes the picture as a file, as a whole or not at all.
  ///
  /// - Throws: `FormatError.cannotCreate` or `.writeFailed`.
  package func write(to path: String) throws(FormatError) {
    try writeAtomically(encoded(), to: path)
  }

  /// Samples in 8 bits or in 16 bits of this machine's byte order.
  private var rowBytes: [UInt8] {
    bitDepth == 16
      ? samples.withUnsafeBytes { Array($0) } : samples.map { UInt8(truncatingIfNeeded: $0) }
  }

  private static func reason(_ picture: inout attune_png) -> String {
    let reason = withUnsafeBytes(of: &picture.reason) { text($0.map { CChar(bitPattern: $0) }) }
    return reason.isEmpty ? "no reason given" : reason
  }

  /// Colors of three numbers where all are opaque, else of four.
  private static func palette(_ picture: inout attune_png) -> [[UInt8]] {
    let count = Int(picture.palette_count)
    let alphaCount = Int(picture.alpha_count)
    let alpha = withUnsafeBytes(of: &picture.alpha) { Array($0.prefix(alphaCount)) }
    return withUnsafeBytes(of: &picture.palette) { bytes in
      (0..<count).map { number in
        let color = Array(bytes[3 * number..<3 * number + 3])
        return alpha.isEmpty ? color : color + [number < alphaCount ? alpha[number] : 255]
      }
    }
  }

  private static func set(_ colors: [[UInt8]], in picture: inout attune_png) {
    picture.palette_count = Int32(colors.count)
    withUnsafeMutableBytes(of: &picture.palette) { bytes in
      for (number, color) in colors.enumerated() {
        for channel in 0..<3 { bytes[3 * number + channel] = color[channel] }
      }
    }
    guard colors.contains(where: { $0.count == 4 }) else { return }
    picture.alpha_count = Int32(colors.count)
    withUnsafeMutableBytes(of: &picture.alpha) { bytes in
      for (number, color) in colors.enumerated() {
        bytes[number] = color.count == 4 ? color[3] : 255
      }
    }
  }
}
