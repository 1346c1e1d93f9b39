package import Foundation

/// Makes small zip archives, right and wrong ones.
package struct ZipBuilder {
  /// Uses 64-bit sizes and a ZIP64 end record.
  package var isZIP64 = false
  private var body: [UInt8] = []
  private var directory: [UInt8] = []
  private var count = 0

  package init() {}

  /// Adds an entry; `size` and `checksum` are those of the content unless told otherwise.
  package mutating func add(
    _ name: String, _ stored: [UInt8], method: UInt16 = 0, size: Int? = nil, checksum: UInt32? = nil
  ) {
    let size = size ?? stored.count
    let offset = body.count
    let sum = checksum ?? Self.checksum(stored)
    let name = Array(name.utf8)
    body += Self.u32(0x0403_4B50) + Self.u16(20, 0, method, 0, 0) + Self.u32(sum)
    body +=
      Self.u32(UInt32(stored.count), UInt32(truncatingIfNeeded: size))
      + Self.u16(UInt16(name.count), 0)
    body += name + stored
    let wide = [size, stored.count, offset]
    let extra = isZIP64 ? Self.u16(1, 24) + wide.flatMap { Self.u64($0) } : []
    let narrow = wide.map { isZIP64 ? UInt32.max : UInt32($0) }
    directory += Self.u32(0x0201_4B50) + Self.u16(20, 20, 0, method, 0, 0) + Self.u32(sum)
    directory += Self.u32(narrow[1], narrow[0])
    directory += Self.u16(UInt16(name.count), UInt16(extra.count), 0, 0, 0) + Self.u32(0, narrow[2])
    directory += name + extra
    count += 1
  }

  /// The archive.
  package var data: Data {
    var bytes = body + directory
    if isZIP64 {
      let record = bytes.count
      bytes += Self.u32(0x0606_4B50) + Self.u64(44) + Self.u16(45, 45) + Self.u32(0, 0)
      bytes += [count, count, directory.count, body.count].flatMap { Self.u64($0) }
      bytes += Self.u32(0x0706_4B50, 0) + Self.u64(record) + Self.u32(1)
    }
    let entries = isZIP64 ? UInt16.max : UInt16(count)
    let place: [UInt32] =
      isZIP64 ? [.max, .max] : [UInt32(directory.count), UInt32(body.count)]
    bytes += Self.u32(0x0605_4B50) + Self.u16(0, 0, entries, entries)
    bytes += place.flatMap { Self.u32($0) } + Self.u16(0)
    return Data(bytes)
  }

  /// CRC-32 of zip, bit by bit.
  package static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }

  private static func u16(_ values: UInt16...) -> [UInt8] {
    values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  }

  private static func u32(_ values: UInt32...) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  }

  private static func u64(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
