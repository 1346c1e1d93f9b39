/// The first image file directory of a little-endian TIFF or BigTIFF: numbers by tag
/// (TIFF 6.0, section 2; BigTIFF has 64-bit counts and offsets).
struct TIFFDirectory {
  private struct Entry {
    let type: UInt16
    let count: Int
    /// Position of the values in the file.
    let position: Int
  }

  private let file: PositionedFile
  private var entries: [UInt16: Entry] = [:]

  /// More entries no directory has, and more values no field that is read here.
  private static let mostEntries = 4096
  private static let mostValues = 1 << 22

  /// Nil where the file is no such TIFF.
  init?(_ file: PositionedFile) {
    self.file = file
    var header = [UInt8](repeating: 0, count: 16)
    guard header.withUnsafeMutableBytes({ file.read(at: 0, into: $0) }),
      header[0] == 0x49, header[1] == 0x49, header[3] == 0
    else { return nil }
    let isBig = header[2] == 43
    guard isBig || header[2] == 42 else { return nil }
    let start = header.withUnsafeBytes { bytes -> Int? in
      let bytes = LittleEndianBytes(bytes)
      return isBig ? bytes.int(8) : bytes.u32(4).map { Int($0) }
    }
    let countSize = isBig ? 8 : 2
    let entrySize = isBig ? 20 : 12
    guard let start, let count = Self.number(file, at: start, size: countSize),
      count > 0, count <= Self.mostEntries
    else { return nil }
    var table = [UInt8](repeating: 0, count: count * entrySize)
    guard table.withUnsafeMutableBytes({ file.read(at: start + countSize, into: $0) }) else {
      return nil
    }
    for number in 0..<count {
      let place = number * entrySize
      let found = table.withUnsafeBytes { bytes -> (UInt16, Entry)? in
        let bytes = LittleEndianBytes(bytes)
        guard let tag = bytes.u16(place), let type = bytes.u16(place + 2),
          let count = isBig ? bytes.int(place + 4) : bytes.u32(place + 4).map({ Int($0) }),
          let size = Self.size(ofType: type), count <= Self.mostValues
        else { return nil }
        let field = place + (isBig ? 12 : 8)
        let inside = start + countSize + field
        guard count * size > (isBig ? 8 : 4) else {
          return (tag, Entry(type: type, count: count, position: inside))
        }
        let position = isBig ? bytes.int(field) : bytes.u32(field).map { Int($0) }
        return position.map { (tag, Entry(type: type, count: count, position: $0)) }
      }
      if let (tag, entry) = found { entries[tag] = entry }
    }
  }

  /// The unsigned integers of a field; nil where it is absent or of another type.
  func numbers(_ tag: UInt16) -> [Int]? {
    guard let entry = entries[tag], let size = Self.size(ofType: entry.type),
      [1, 3, 4, 13, 16, 18].contains(entry.type)
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: entry.count * size)
    guard bytes.withUnsafeMutableBytes({ file.read(at: entry.position, into: $0) }) else {
      return nil
    }
    var numbers: [Int] = []
    numbers.reserveCapacity(entry.count)
    for place in 0..<entry.count {
      var value: UInt64 = 0
      for byte in (0..<size).reversed() { value = value << 8 | UInt64(bytes[place * size + byte]) }
      guard let number = Int(exactly: value) else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The only value of a field, `standard` where it is absent; nil where there is none or several
  /// that differ.
  func number(_ tag: UInt16, standard: Int? = nil) -> Int? {
    guard entries[tag] != nil else { return standard }
    guard let numbers = numbers(tag), let first = numbers.first,
      numbers.allSatisfy({ $0 == first })
    else { return nil }
    return first
  }

  private static func number(_ file: PositionedFile, at position: Int, size: Int) -> Int? {
    var bytes = [UInt8](repeating: 0, count: size)
    guard bytes.withUnsafeMutableBytes({ file.read(at: position, into: $0) }) else { return nil }
    return Int(exactly: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  private static func size(ofType type: UInt16) -> Int? {
    switch type {
    case 1, 2, 6, 7: 1
    case 3, 8: 2
    case 4, 9, 11, 13: 4
    case 5, 10, 12, 16, 17, 18: 8
    default: nil
    }
  }
}
