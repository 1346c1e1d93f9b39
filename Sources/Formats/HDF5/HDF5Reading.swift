/// Reads a block of an HDF5 dataset without libhdf5: by positions in the file, decoding and converting on
/// the calling thread.
struct HDF5Reading {
  private let storage: HDF5Storage
  /// First element and number of elements along each axis, and the dataset's sizes.
  private let start: [Int]
  private let count: [Int]
  private let shape: [Int]

  /// For a block that lies inside the dataset and is not empty.
  init(_ storage: HDF5Storage, start: [Int], count: [Int], shape: [Int]) {
    self.storage = storage
    self.start = start
    self.count = count
    self.shape = shape
  }

  /// Pieces of fewer bytes are not worth a call each.
  private static let smallestPiece = 512
  /// Decoded chunks up to this size stay in libhdf5's cache, where parts of one are wanted in turn.
  private static let cachedChunk = 1 << 20

  /// Fills `target` in row-major order; false, with anything in it, where libhdf5 had better read.
  func read(into target: UnsafeMutableBufferPointer<Float>) -> Bool {
    guard let output = target.baseAddress else { return false }
    switch storage.layout {
    case .contiguous(let position): return readPieces(from: position, to: output)
    case .chunked(let chunk, let filters): return readChunks(chunk, filters, to: output)
    }
  }

  /// Blocks of a dataset in one piece, each as long as elements follow each other.
  private func readPieces(from position: Int, to output: UnsafeMutablePointer<Float>) -> Bool {
    let (axes, length) = Self.run(count, in: shape)
    let size = storage.element.byteCount
    let pieces = count.prefix(axes).reduce(1, *)
    guard pieces == 1 || length * size >= Self.smallestPiece else { return false }
    let isNative = storage.element == .f32
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: isNative ? 0 : length * size, alignment: 64)
    defer { scratch.deallocate() }
    var written = 0
    return Self.forEach(count.prefix(axes)) { place in
      var element = 0
      for axis in shape.indices {
        element = element * shape[axis] + start[axis] + (axis < axes ? place[axis] : 0)
      }
      let goal = output + written
      written += length
      let bytes =
        isNative
        ? UnsafeMutableRawBufferPointer(start: goal, count: length * size) : scratch
      guard storage.file.read(at: position + element * size, into: bytes) else { return false }
      if !isNative, let source = bytes.baseAddress {
        storage.element.convert(source, stride: 1, count: length, to: goal)
      }
      return true
    }
  }

  private func readChunks(
    _ chunk: [Int], _ filters: [HDF5Storage.Filter], to output: UnsafeMutablePointer<Float>
  ) -> Bool {
    let first = zip(start, chunk).map { $0 / $1 }
    let numbers = shape.indices.map {
      (start[$0] + count[$0] - 1) / chunk[$0] - first[$0] + 1
    }
    let size = storage.element.byteCount
    let elements = chunk.reduce(1, *)
    let (all, wanted) = (numbers.reduce(elements, *), count.reduce(1, *))
    if !filters.isEmpty, 2 * wanted < all, elements * size <= Self.cachedChunk { return false }
    let decoder = HDF5ChunkDecoder(filters, byteCount: elements * size)
    // What it gives lies in its own memory.
    return withExtendedLifetime(decoder) {
      Self.forEach(numbers[...]) { number in
        let origin = shape.indices.map { (first[$0] + number[$0]) * chunk[$0] }
        guard let found = storage.chunk(at: origin) else { return false }
        let part = Part(origin, chunk, start: start, count: count)
        guard let position = found.position else {
          part.fill(output, with: storage.fill)
          return true
        }
        let all = UInt32(1) << UInt32(filters.count) - 1
        guard found.skipped & all == all else {
          guard let bytes = decoder.decode(found, at: position, in: storage.file) else {
            return false
          }
          part.copy(bytes, storage.element, to: output)
          return true
        }
        // Of what is not encoded only the span from the first to the last wanted element is needed.
        let span = part.span
        guard found.byteCount == elements * size,
          let bytes = decoder.plain(
            storage.file, at: position + span.lowerBound * size, byteCount: span.count * size)
        else { return false }
        part.copy(bytes - span.lowerBound * size, storage.element, to: output)
        return true
      }
    }
  }

  /// How many leading axes must be walked, and how many elements follow each other behind them.
  fileprivate static func run(_ count: [Int], in shape: [Int]) -> (axes: Int, length: Int) {
    var (axes, length) = (count.count - 1, count[count.count - 1])
    while axes > 0, count[axes] == shape[axes] {
      axes -= 1
      length *= count[axes]
    }
    return (axes, length)
  }

  /// Calls `body` with all places below `sizes` in row-major order until it says false.
  fileprivate static func forEach(
    _ sizes: ArraySlice<Int>, _ body: ([Int]) -> Bool
  ) -> Bool {
    var place = [Int](repeating: 0, count: sizes.count)
    while true {
      guard body(place) else { return false }
      var axis = sizes.count - 1
      while axis >= 0 {
        place[axis] += 1
        if place[axis] < sizes[axis] { break }
        place[axis] = 0
        axis -= 1
      }
      if axis < 0 { return true }
    }
  }
}

/// What a block wants of a chunk.
private struct Part {
  /// First wanted element inside the chunk, its place in the block, and sizes, along each axis.
  private let inside: [Int]
  private let place: [Int]
  private let sizes: [Int]
  private let chunk: [Int]
  private let count: [Int]

  init(_ origin: [Int], _ chunk: [Int], start: [Int], count: [Int]) {
    self.chunk = chunk
    self.count = count
    inside = origin.indices.map { max(start[$0] - origin[$0], 0) }
    place = origin.indices.map { max(origin[$0] - start[$0], 0) }
    let (inside, place) = (inside, place)
    sizes = origin.indices.map { min(chunk[$0] - inside[$0], count[$0] - place[$0]) }
  }

  /// Elements of the chunk from the first wanted one to the last.
  var span: Range<Int> {
    let first = Self.element(inside, chunk)
    return first..<Self.element(zip(inside, sizes).map { $0 + $1 - 1 }, chunk) + 1
  }

  func copy(
    _ bytes: UnsafeRawPointer, _ element: StoredNumber, to output: UnsafeMutablePointer<Float>
  ) {
    forEachRun { from, to, length in
      element.convert(
        bytes + from * element.byteCount, stride: 1, count: length, to: output + to)
    }
  }

  func fill(_ output: UnsafeMutablePointer<Float>, with value: Float) {
    forEachRun { _, to, length in (output + to).update(repeating: value, count: length) }
  }

  /// Calls `body` for elements that follow each other both in the chunk and in the block.
  private func forEachRun(_ body: (_ from: Int, _ to: Int, _ length: Int) -> Void) {
    var (axes, length) = (sizes.count - 1, sizes[sizes.count - 1])
    while axes > 0, sizes[axes] == chunk[axes], sizes[axes] == count[axes] {
      axes -= 1
      length *= sizes[axes]
    }
    let (first, goal) = (Self.element(inside, chunk), Self.element(place, count))
    _ = HDF5Reading.forEach(sizes.prefix(axes)) { step in
      var (from, to) = (0, 0)
      for axis in sizes.indices {
        let offset = axis < axes ? step[axis] : 0
        from = from * chunk[axis] + offset
        to = to * count[axis] + offset
      }
      body(first + from, goal + to, length)
      return true
    }
  }

  private static func element(_ place: [Int], _ shape: [Int]) -> Int {
    place.indices.reduce(0) { $0 * shape[$1] + place[$1] }
  }
}
