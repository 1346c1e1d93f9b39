/// The bytes of one matrix element in their order, stored or inflated on the way.
///
/// Never gives more bytes than the element declares.
struct MATInput {
  /// What stands before a piece of data.
  struct Tag {
    let type: UInt32
    let count: Int
    /// The data of the short form, which stands in the tag itself.
    let short: [UInt8]?
  }

  private let isBigEndian: Bool
  private var stored: UnsafeRawBufferPointer
  private let compressed: ZlibStream?
  /// Bytes of the element that were not read yet.
  private(set) var remaining: Int

  /// An element's bytes after its own tag; for a compressed one, the compressed bytes, whose own tag
  /// `open()` reads.
  init(_ bytes: UnsafeRawBufferPointer, isCompressed: Bool, isBigEndian: Bool) {
    self.isBigEndian = isBigEndian
    stored = bytes
    compressed = isCompressed ? ZlibStream(bytes) : nil
    remaining = isCompressed ? 8 : bytes.count
  }

  /// Most bytes that zlib makes from one.
  private static let largestExpansion = 1032

  /// Reads the tag inside a compressed element; false where it holds no matrix, or declares more than
  /// its bytes can become.
  mutating func open() -> Bool {
    guard compressed != nil else { return true }
    guard let tag = tag(), tag.type == MATType.matrix, tag.short == nil,
      tag.count <= (stored.count + 64) * Self.largestExpansion
    else { return false }
    remaining = tag.count
    return true
  }

  /// Fills `target`; false beyond the end of the element, or where it is damaged.
  mutating func read(into target: UnsafeMutableRawBufferPointer) -> Bool {
    guard target.count <= remaining else { return false }
    remaining -= target.count
    if let compressed { return compressed.read(into: target) }
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored.prefix(target.count)))
    stored = UnsafeRawBufferPointer(rebasing: stored.dropFirst(target.count))
    return true
  }

  mutating func read(_ count: Int) -> [UInt8]? {
    guard count <= remaining else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    return bytes.withUnsafeMutableBytes({ read(into: $0) }) ? bytes : nil
  }

  mutating func tag() -> Tag? {
    guard let bytes = read(8) else { return nil }
    let (first, second) = (word(bytes, 0), word(bytes, 4))
    let shortCount = Int(first >> 16)
    guard shortCount > 0 else { return Tag(type: first, count: Int(second), short: nil) }
    guard shortCount <= 4 else { return nil }
    return Tag(
      type: first & 0xFFFF, count: shortCount, short: Array(bytes[4..<(4 + shortCount)]))
  }

  /// The data behind the next tag, at most `limit` bytes, and its type.
  mutating func piece(limit: Int) -> (type: UInt32, bytes: [UInt8])? {
    guard let tag = tag() else { return nil }
    if let short = tag.short { return (tag.type, short) }
    let padded = (tag.count + 7) / 8 * 8
    guard tag.count <= limit, let bytes = read(padded) else { return nil }
    return (tag.type, Array(bytes.prefix(tag.count)))
  }

  func word(_ bytes: [UInt8], _ position: Int) -> UInt32 {
    let value = bytes.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: position, as: UInt32.self)
    }
    return isBigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
  }
}
