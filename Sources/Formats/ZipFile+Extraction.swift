import Foundation

internal import CZlib

extension ZipFile {
  /// Writes an entry's content to a file, in pieces, as a whole or not at all.
  ///
  /// Memory does not grow with the entry: a deflated one passes through a buffer.
  ///
  /// - Throws: `FormatError.malformed` where the content is damaged, `.cannotCreate`, `.writeFailed`.
  package func extract(_ entry: Entry, to path: String) throws(FormatError) {
    let target = try AtomicFile(path: path)
    let source = mappedBytes(of: entry)
    var checksum: UInt = 0
    var length = 0
    func take(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
      length += bytes.count
      guard length <= entry.size else { throw damaged(entry, "it is longer than it says") }
      checksum = crc32_z(
        checksum, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, z_size_t(bytes.count))
      try target.write(bytes)
    }
    if entry.isDeflated {
      guard try Self.inflate(source, take) else { throw damaged(entry, "it does not inflate") }
    } else {
      let piece = 1 << 20
      for start in stride(from: 0, to: source.count, by: piece) {
        try take(UnsafeRawBufferPointer(rebasing: source[start..<min(start + piece, source.count)]))
      }
    }
    guard length == entry.size else { throw damaged(entry, "it is shorter than it says") }
    guard UInt32(truncatingIfNeeded: checksum) == entry.checksum else {
      throw damaged(entry, "its checksum differs")
    }
    try target.commit()
  }

  /// Passes the content of a raw deflate stream to `take`; false where the stream is damaged or ends
  /// early.
  private static func inflate(
    _ source: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(FormatError) -> Void
  ) throws(FormatError) -> Bool {
    var stream = z_stream()
    let rawDeflate: Int32 = -15
    guard
      inflateInit2_(&stream, rawDeflate, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return false }
    defer { inflateEnd(&stream) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var source = source
    while true {
      let input = UnsafeRawBufferPointer(rebasing: source.prefix(1 << 30))
      stream.next_in = UnsafeMutablePointer(
        mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(input.count)
      stream.next_out = buffer.assumingMemoryBound(to: UInt8.self).baseAddress
      stream.avail_out = UInt32(buffer.count)
      let status = CZlib.inflate(&stream, Z_NO_FLUSH)
      let consumed = input.count - Int(stream.avail_in)
      let produced = buffer.count - Int(stream.avail_out)
      source = UnsafeRawBufferPointer(rebasing: source.dropFirst(consumed))
      try take(UnsafeRawBufferPointer(rebasing: buffer[..<produced]))
      if status == Z_STREAM_END { return source.isEmpty }
      guard status == Z_OK, consumed + produced > 0 else { return false }
    }
  }
}
