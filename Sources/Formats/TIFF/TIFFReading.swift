/// Reads windows of a TIFF block by block: only those blocks, converted once.
///
/// The file is opened for every window, which takes microseconds, so that nothing stays open however many
/// there are.
struct TIFFReading {
  private let layout: TIFFLayout
  private let bands: [Int]
  private let window: RasterFile.Window

  /// One block that the window touches.
  private struct Block {
    let row: Int
    let column: Int
    /// Number of the band where each has its blocks.
    let plane: Int
    /// Rows of the block, from its first, that are read.
    let rows: Range<Int>
    let offset: Int
    let byteCount: Int
  }

  /// For some bands, counted from 0, in a window.
  init(_ layout: TIFFLayout, bands: [Int], in window: RasterFile.Window) {
    self.layout = layout
    self.bands = bands
    self.window = window
  }

  /// Blocks that lie one after the other are fetched together up to this size.
  private static let fetchedBytes = 1 << 20
  /// Bytes between blocks that are fetched with them rather than left out.
  private static let largestGap = 4096

  /// Fills `[band, row, column]`; false, with anything in `target`, where the file has changed, is cut
  /// off or damaged, or does not hold all blocks.
  func read(path: String, into target: UnsafeMutableBufferPointer<Float>) -> Bool {
    guard let file = PositionedFile(path), file.identity == layout.file,
      let output = target.baseAddress, let blocks = blocks()
    else { return false }
    let decodedBytes = layout.rowBytes * layout.blockHeight + TIFFLZW.slack
    let decoded = UnsafeMutableRawBufferPointer.allocate(byteCount: decodedBytes, alignment: 64)
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: layout.rowBytes, alignment: 64)
    var fetched = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    defer {
      decoded.deallocate()
      scratch.deallocate()
      fetched.deallocate()
    }
    let decoder = BlockDecoder()
    var words = layout.compression == .lzw ? TIFFLZW() : nil
    var first = 0
    while first < blocks.count {
      let (end, bytes) = group(blocks, from: first)
      if fetched.count < bytes {
        fetched.deallocate()
        fetched = .allocate(byteCount: max(bytes, min(2 * bytes, Self.fetchedBytes)), alignment: 64)
      }
      let start = blocks[first].offset
      guard file.read(at: start, into: .init(rebasing: fetched[..<bytes])) else { return false }
      for block in blocks[first..<end] {
        let source = UnsafeMutableRawBufferPointer(
          rebasing: fetched[(block.offset - start)...].prefix(block.byteCount))
        guard let rows = decode(source, block, decoder, &words, decoded) else { return false }
        copy(rows, of: block, scratch, to: output)
      }
      first = end
    }
    return true
  }

  /// The blocks in the order of the file's tables; nil where one is not in the file.
  private func blocks() -> [Block]? {
    var blocks: [Block] = []
    let (across, down) = (layout.blocksAcross, layout.blocksDown)
    let columns =
      window.column / layout.blockWidth...(window.column + window.width - 1) / layout.blockWidth
    let rows =
      window.row / layout.blockHeight...(window.row + window.height - 1) / layout.blockHeight
    for plane in layout.isPlanar ? Set(bands).sorted() : [0] {
      for row in rows {
        let last = window.row + window.height - row * layout.blockHeight
        let stored = layout.rows(ofBlockRow: row)
        for column in columns {
          let number = (plane * down + row) * across + column
          var (offset, byteCount) = (layout.offsets[number], layout.byteCounts[number])
          guard offset > 0, byteCount > 0 else { return nil }
          var wanted = 0..<min(stored, last)
          if layout.compression == .none {
            guard byteCount >= stored * layout.rowBytes else { return nil }
            wanted = max(0, window.row - row * layout.blockHeight)..<wanted.upperBound
            offset += wanted.lowerBound * layout.rowBytes
            byteCount = wanted.count * layout.rowBytes
          }
          blocks.append(
            Block(
              row: row, column: column, plane: plane, rows: wanted, offset: offset,
              byteCount: byteCount))
        }
      }
    }
    return blocks
  }

  /// The end of the blocks from `first` that are fetched together, and their bytes.
  private func group(_ blocks: [Block], from first: Int) -> (end: Int, bytes: Int) {
    let start = blocks[first].offset
    var (end, bytes) = (first + 1, blocks[first].byteCount)
    while end < blocks.count {
      let gap = blocks[end].offset - (start + bytes)
      let all = blocks[end].offset + blocks[end].byteCount - start
      guard (0...Self.largestGap).contains(gap), all <= Self.fetchedBytes else { break }
      bytes = all
      end += 1
    }
    return (end, bytes)
  }

  /// The block's rows with their predictor, from `block.rows.lowerBound` on; nil where it is damaged.
  private func decode(
    _ source: UnsafeMutableRawBufferPointer, _ block: Block, _ decoder: BlockDecoder,
    _ words: inout TIFFLZW?, _ decoded: UnsafeMutableRawBufferPointer
  ) -> UnsafeMutableRawPointer? {
    let size = layout.rows(ofBlockRow: block.row) * layout.rowBytes
    let target = UnsafeMutableRawBufferPointer(rebasing: decoded[..<size])
    switch layout.compression {
    case .none: return source.baseAddress
    case .deflate:
      guard decoder.inflate(.init(source), into: target) else { return nil }
    case .zstandard:
      guard decoder.decodeZstandard(.init(source), into: target) else { return nil }
    case .lzw:
      let roomy = UnsafeMutableRawBufferPointer(rebasing: decoded[..<(size + TIFFLZW.slack)])
      guard words?.decode(.init(source), into: roomy) == true else { return nil }
    }
    return decoded.baseAddress
  }

  /// Converts what the window wants of a block.
  private func copy(
    _ bytes: UnsafeMutableRawPointer, of block: Block, _ scratch: UnsafeMutableRawBufferPointer,
    to output: UnsafeMutablePointer<Float>
  ) {
    let top = block.row * layout.blockHeight
    let left = block.column * layout.blockWidth
    let columns =
      max(window.column, left)..<min(window.column + window.width, left + layout.blockWidth)
    let size = layout.element.byteCount
    let plane = window.width * window.height
    for row in block.rows {
      let line = bytes + (row - block.rows.lowerBound) * layout.rowBytes
      let to = top + row - window.row
      guard to >= 0 else { continue }
      if layout.predictor != .none, let scratch = scratch.baseAddress {
        layout.undoPredictor(line, scratch: scratch)
      }
      for (number, band) in bands.enumerated() where !layout.isPlanar || band == block.plane {
        let from =
          (columns.lowerBound - left) * layout.samples + (layout.isPlanar ? 0 : band)
        layout.element.convert(
          line + from * size, stride: layout.samples, count: columns.count,
          to: output + number * plane + to * window.width + columns.lowerBound - window.column)
      }
    }
  }
}
