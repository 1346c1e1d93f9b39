import Foundation

/// Bytes of MATLAB files of level 5, stored or compressed, in either byte order.
struct MATBuilder {
  var isBigEndian = false
  private(set) var data: Data

  init(isBigEndian: Bool = false, version: UInt16 = 0x0100) {
    self.isBigEndian = isBigEndian
    data = Data("MATLAB 5.0 MAT-file, made by a test".utf8)
    data += Data(repeating: UInt8(ascii: " "), count: 116 - data.count) + Data(count: 8)
    data += bytes(version) + bytes(UInt16(0x4D49))
  }

  func bytes<Number: FixedWidthInteger>(_ number: Number) -> Data {
    withUnsafeBytes(of: isBigEndian ? number.bigEndian : number.littleEndian) { Data($0) }
  }

  func bytes(_ number: Double) -> Data { bytes(number.bitPattern) }
  func bytes(_ number: Float) -> Data { bytes(number.bitPattern) }

  /// A piece of data with its tag, in the short form where it fits and is wanted.
  func piece(_ type: UInt32, _ content: Data, isShort: Bool = false) -> Data {
    if isShort, (1...4).contains(content.count) {
      return bytes(UInt32(content.count) << 16 | type) + content + Data(count: 4 - content.count)
    }
    return bytes(type) + bytes(UInt32(content.count)) + content
      + Data(count: (8 - content.count % 8) % 8)
  }

  /// A matrix with its tag.
  func matrix(
    _ name: String, kind: UInt8, shape: [Int32], flags: UInt32 = 0, type: UInt32, values: Data,
    isShort: Bool = false
  ) -> Data {
    let content =
      piece(6, bytes(UInt32(kind) | flags) + bytes(UInt32(0)))
      + piece(5, shape.map { bytes($0) }.reduce(Data(), +))
      + piece(1, Data(name.utf8), isShort: isShort)
      + piece(type, values, isShort: isShort)
    return bytes(UInt32(14)) + bytes(UInt32(content.count)) + content
  }

  mutating func append(_ element: Data) { data += element }

  /// Appends the element as a zlib stream of stored blocks.
  mutating func appendCompressed(_ element: Data) {
    var stream = Data([0x78, 0x01])
    var rest = element
    while !rest.isEmpty {
      let block = rest.prefix(65535)
      rest = Data(rest.dropFirst(block.count))
      let count = UInt16(block.count)
      stream += Data([rest.isEmpty ? 1 : 0])
      stream += withUnsafeBytes(of: count.littleEndian) { Data($0) }
      stream += withUnsafeBytes(of: (~count).littleEndian) { Data($0) } + block
    }
    var (low, high) = (UInt32(1), UInt32(0))
    for byte in element {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    stream += withUnsafeBytes(of: (high << 16 | low).bigEndian) { Data($0) }
    append(bytes(UInt32(15)) + bytes(UInt32(stream.count)) + stream)
  }
}
