/// Numbers in a piece of memory at any position; nil beyond its end.
///
/// Borrowed: the memory must outlive the value.
struct LittleEndianBytes {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var count: Int { bytes.count }

  func u16(_ position: Int) -> UInt16? { load(position) }
  func u32(_ position: Int) -> UInt32? { load(position) }

  /// An unsigned 64-bit number, nil also if it exceeds what memory can hold.
  func int(_ position: Int) -> Int? {
    let value: UInt64? = load(position)
    return value.flatMap { Int(exactly: $0) }
  }

  private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ position: Int) -> Number? {
    guard position >= 0, position <= bytes.count - MemoryLayout<Number>.size else { return nil }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }
}
