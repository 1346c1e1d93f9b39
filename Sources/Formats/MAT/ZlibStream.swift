internal import CZlib

/// Inflates zlib-compressed memory piece by piece.
///
/// The memory must outlive the stream.
final class ZlibStream {
  // On the heap, since zlib remembers the address.
  private let stream: UnsafeMutablePointer<z_stream>
  private var rest: UnsafeRawBufferPointer
  private var isUsable: Bool

  init(_ source: UnsafeRawBufferPointer) {
    rest = source
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    isUsable =
      inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Fills `target`; false where the stream is damaged or ends before.
  func read(into target: UnsafeMutableRawBufferPointer) -> Bool {
    var target = target
    while isUsable, !target.isEmpty {
      let input = rest.prefix(Int(UInt32.max))
      let output = target.prefix(Int(UInt32.max))
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: UnsafeRawBufferPointer(rebasing: input)
          .assumingMemoryBound(to: UInt8.self).baseAddress)
      stream.pointee.avail_in = UInt32(input.count)
      stream.pointee.next_out =
        UnsafeMutableRawBufferPointer(rebasing: output)
        .assumingMemoryBound(to: UInt8.self).baseAddress
      stream.pointee.avail_out = UInt32(output.count)
      let status = inflate(stream, Z_NO_FLUSH)
      let consumed = input.count - Int(stream.pointee.avail_in)
      let produced = output.count - Int(stream.pointee.avail_out)
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(consumed))
      target = UnsafeMutableRawBufferPointer(rebasing: target.dropFirst(produced))
      if status != Z_OK { isUsable = false }
      if status == Z_OK, consumed + produced == 0 { isUsable = false }
    }
    return target.isEmpty
  }
}
