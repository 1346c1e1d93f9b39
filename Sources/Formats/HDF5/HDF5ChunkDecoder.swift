/// Fetches and decodes chunks of equal size one after the other; for one thread.
final class HDF5ChunkDecoder {
  private let filters: [HDF5Storage.Filter]
  private let byteCount: Int
  private let decoder = BlockDecoder()
  /// What is decoded moves from one to the other with every filter.
  private var current = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var other = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// For filters in the order of writing, and chunks that decode to so many bytes.
  init(_ filters: [HDF5Storage.Filter], byteCount: Int) {
    self.filters = filters
    self.byteCount = byteCount
  }

  deinit {
    current.deallocate()
    other.deallocate()
  }

  /// Bytes of a file as they are; nil where they cannot be read.
  ///
  /// They stand until the next call.
  func plain(_ file: PositionedFile, at position: Int, byteCount: Int) -> UnsafeRawPointer? {
    reserve(&current, byteCount)
    let target = UnsafeMutableRawBufferPointer(rebasing: current[..<byteCount])
    return file.read(at: position, into: target) ? UnsafeRawPointer(target.baseAddress) : nil
  }

  /// The elements of a chunk; nil where it cannot be read or is damaged.
  ///
  /// They stand until the next call.
  func decode(
    _ chunk: HDF5Storage.Chunk, at position: Int, in file: PositionedFile
  ) -> UnsafeRawPointer? {
    guard plain(file, at: position, byteCount: chunk.byteCount) != nil else { return nil }
    var count = chunk.byteCount
    for (number, filter) in filters.enumerated().reversed()
    where chunk.skipped & (1 << UInt32(number)) == 0 {
      reserve(&other, byteCount)
      let source = UnsafeRawBufferPointer(rebasing: current[..<count])
      let target = UnsafeMutableRawBufferPointer(rebasing: other[..<byteCount])
      switch filter {
      case .deflate:
        guard decoder.inflate(source, into: target) else { return nil }
      case .lzf:
        guard LZF.decode(source, into: target) == byteCount else { return nil }
      case .shuffle(let size):
        guard count == byteCount else { return nil }
        unshuffle(source, size: size, into: target)
      }
      count = byteCount
      swap(&current, &other)
    }
    return count == byteCount ? UnsafeRawPointer(current.baseAddress) : nil
  }

  private func reserve(_ buffer: inout UnsafeMutableRawBufferPointer, _ count: Int) {
    guard buffer.count < count else { return }
    buffer.deallocate()
    buffer = .allocate(byteCount: count, alignment: 64)
  }
}

/// Puts bytes that are sorted by their place in elements of `size` bytes back together (HDF5's filter 2);
/// what is left over behind whole elements stands at the end as it is.
func unshuffle(
  _ source: UnsafeRawBufferPointer, size: Int, into target: UnsafeMutableRawBufferPointer
) {
  let count = source.count / size
  guard let from = source.baseAddress, let to = target.baseAddress else { return }
  func plane(_ number: Int) -> UnsafePointer<UInt8> {
    (from + number * count).assumingMemoryBound(to: UInt8.self)
  }
  switch size {
  case 2:
    let (low, high) = (plane(0), plane(1))
    let words = to.assumingMemoryBound(to: UInt16.self)
    for place in 0..<count { words[place] = UInt16(low[place]) | UInt16(high[place]) << 8 }
  case 4:
    let (a, b, c, d) = (plane(0), plane(1), plane(2), plane(3))
    let words = to.assumingMemoryBound(to: UInt32.self)
    for place in 0..<count {
      words[place] =
        UInt32(a[place]) | UInt32(b[place]) << 8 | UInt32(c[place]) << 16 | UInt32(d[place]) << 24
    }
  default:
    let bytes = to.assumingMemoryBound(to: UInt8.self)
    for number in 0..<size {
      let values = plane(number)
      for place in 0..<count { bytes[place * size + number] = values[place] }
    }
  }
  let rest = source.count - count * size
  (to + count * size).copyMemory(from: from + count * size, byteCount: rest)
}
