/// Values written one after the other, for another process of the same program and machine kind.
package struct ByteWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func append<Value: BitwiseCopyable>(_ value: Value) {
    withUnsafeBytes(of: value) { bytes += $0 }
  }

  /// Its count and its elements.
  package mutating func append<Element: BitwiseCopyable>(_ values: [Element]) {
    append(values.count)
    values.withUnsafeBytes { bytes += $0 }
  }

  package mutating func append(_ text: String) { append(Array(text.utf8)) }
}

/// Reads what a `ByteWriter` wrote, in the same order.
package struct ByteReader {
  private let bytes: [UInt8]
  private var place = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package mutating func value<Value: BitwiseCopyable>(_ type: Value.Type = Value.self) -> Value {
    let length = MemoryLayout<Value>.size
    precondition(place + length <= bytes.count, "more is read than was written")
    defer { place += length }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Value.self) }
  }

  package mutating func array<Element: BitwiseCopyable>(
    of type: Element.Type = Element.self
  ) -> [Element] {
    let count = value(Int.self)
    let length = count * MemoryLayout<Element>.stride
    precondition(count >= 0 && place + length <= bytes.count, "more is read than was written")
    defer { place += length }
    return [Element](unsafeUninitializedCapacity: count) { target, made in
      bytes.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(target).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[place..<(place + length)]))
      }
      made = count
    }
  }

  package mutating func text() -> String { String(decoding: array(of: UInt8.self), as: UTF8.self) }
}

/// What one rank works out and others go on with.
package protocol Portable {
  func write(to writer: inout ByteWriter)
  /// Takes the content of one that was made alike.
  mutating func read(from reader: inout ByteReader)
}
