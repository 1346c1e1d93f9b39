import Foundation

/// Size and kind of a PNG picture, without its samples (PNG specification, 5 and 11.2).
///
/// The file is walked to its end, so that one that is cut off is refused; what is damaged inside shows
/// when the picture is decoded.
package struct PNGHeader: Sendable, Equatable {
  package enum Kind: UInt8, Sendable {
    case gray = 0
    case rgb = 2
    case palette = 3
    case grayAlpha = 4
    case rgba = 6
  }

  package let width: Int
  package let height: Int
  /// Bits of a stored sample.
  package let bitDepth: Int
  package let kind: Kind

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Bytes of a chunk beside its content: length, name, check sum.
  private static let frame = 12

  /// Reads the file at `path`.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    self = try file.withBytes(in: 0..<file.bytes.count) { (bytes) throws(FormatError) in
      try PNGHeader(bytes, path: path)
    }
  }

  private init(_ bytes: UnsafeRawBufferPointer, path: String) throws(FormatError) {
    func malformed(_ reason: String) -> FormatError {
      .malformed(path: path, format: "PNG", reason: reason)
    }
    func number(_ place: Int) -> Int {
      Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
    }
    let first = Self.signature.count
    guard bytes.count >= first, bytes[..<first].elementsEqual(Self.signature) else {
      throw malformed("it does not begin as a PNG does")
    }
    let content = first + 8
    guard bytes.count >= content + 13 + 4 else { throw malformed("the file is cut off") }
    guard Self.name(bytes, first) == "IHDR", number(first) == 13 else {
      throw malformed("it has no header")
    }
    (width, height) = (number(content), number(content + 4))
    bitDepth = Int(bytes[content + 8])
    guard let kind = Kind(rawValue: bytes[content + 9]),
      (1...Int(Int32.max)).contains(width), (1...Int(Int32.max)).contains(height)
    else { throw malformed("its header is damaged") }
    self.kind = kind
    var place = first
    while true {
      guard place + Self.frame <= bytes.count, number(place) <= bytes.count - place - Self.frame
      else { throw malformed("the file is cut off") }
      if Self.name(bytes, place) == "IEND" { return }
      place += Self.frame + number(place)
    }
  }

  private static func name(_ bytes: UnsafeRawBufferPointer, _ chunk: Int) -> String {
    String(decoding: bytes[chunk + 4..<chunk + 8], as: UTF8.self)
  }
}
