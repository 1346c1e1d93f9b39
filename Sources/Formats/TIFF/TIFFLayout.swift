/// Where the pixels of a TIFF lie and how they are encoded, for the kinds that are read here without
/// GDAL: little-endian integers and floating-point numbers in strips or tiles, uncompressed, or by
/// deflate, LZW or Zstandard, with any predictor.
struct TIFFLayout: Sendable {
  enum Compression: Int, Sendable {
    case none = 1
    case lzw = 5
    case deflate = 8
    case zstandard = 50000
  }

  /// What stands in place of a value on writing (TIFF 6.0, section 14; technical note 3).
  enum Predictor: Int, Sendable {
    case none = 1
    /// The difference to the sample's value in the pixel before.
    case difference = 2
    /// The same for the bytes of floating-point numbers, sorted by weight.
    case floatingPoint = 3
  }

  let file: PositionedFile.Identity
  let width: Int
  let height: Int
  let bands: Int
  let element: StoredNumber
  let compression: Compression
  let predictor: Predictor
  /// Whether every band has blocks of its own.
  let isPlanar: Bool
  let blockWidth: Int
  let blockHeight: Int
  /// Whether blocks at the lower border are cut there, as strips are.
  let isCutBelow: Bool
  /// Position and size of every block, band by band where planar, row by row.
  let offsets: [Int]
  let byteCounts: [Int]

  /// Describes the file at `path`; nil where it is of another kind, or its first image is not of
  /// this size.
  init?(path: String, width: Int, height: Int, bands: Int) {
    guard let file = PositionedFile(path), let directory = TIFFDirectory(file) else { return nil }
    func isStandard(_ tag: UInt16, _ value: Int) -> Bool {
      directory.number(tag, standard: value) == value
    }
    guard directory.number(256) == width, directory.number(257) == height,
      directory.number(277, standard: 1) == bands, isStandard(266, 1),
      let bits = directory.number(258, standard: 1),
      let format = directory.number(339, standard: 1),
      let coding = directory.number(259, standard: 1),
      // The older number of deflate; streams are the same.
      let compression = Compression(rawValue: coding == 32946 ? 8 : coding),
      let predictor = Predictor(rawValue: directory.number(317, standard: 1) ?? 0),
      let planes = directory.number(284, standard: 1), planes == 1 || planes == 2
    else { return nil }
    var element: StoredNumber?
    switch format {
    // Signed bytes are told by other means by some writers.
    case 1: element = StoredNumber(integerBytes: bits / 8, isSigned: false)
    case 2 where bits > 8: element = StoredNumber(integerBytes: bits / 8, isSigned: true)
    case 3: element = StoredNumber(floatBytes: bits / 8)
    default: break
    }
    guard bits % 8 == 0, let element else { return nil }
    switch predictor {
    case .none: break
    case .difference: guard format != 3, bits <= 32 else { return nil }
    case .floatingPoint: guard element == .f32 else { return nil }
    }
    let isTiled = directory.number(322) != nil
    let sides =
      isTiled
      ? (directory.number(322), directory.number(323))
      : (width, min(height, directory.number(278, standard: height) ?? 0))
    guard let blockWidth = sides.0, let blockHeight = sides.1, blockWidth > 0, blockHeight > 0,
      blockWidth <= 1 << 20, blockHeight <= 1 << 20,
      let offsets = directory.numbers(isTiled ? 324 : 273),
      let byteCounts = directory.numbers(isTiled ? 325 : 279)
    else { return nil }
    let across = (width + blockWidth - 1) / blockWidth
    let down = (height + blockHeight - 1) / blockHeight
    let count = across * down * (planes == 2 ? bands : 1)
    guard offsets.count == count, byteCounts.count == count else { return nil }
    self.file = file.identity
    (self.width, self.height, self.bands) = (width, height, bands)
    self.element = element
    self.compression = compression
    self.predictor = predictor
    isPlanar = planes == 2
    (self.blockWidth, self.blockHeight) = (blockWidth, blockHeight)
    isCutBelow = !isTiled
    (self.offsets, self.byteCounts) = (offsets, byteCounts)
  }

  var blocksAcross: Int { (width + blockWidth - 1) / blockWidth }
  var blocksDown: Int { (height + blockHeight - 1) / blockHeight }
  /// Values of a pixel in one block.
  var samples: Int { isPlanar ? 1 : bands }
  /// Bytes of a row of a block, decoded.
  var rowBytes: Int { blockWidth * samples * element.byteCount }

  /// Rows of the blocks that start at block row `row`.
  func rows(ofBlockRow row: Int) -> Int {
    isCutBelow ? min(blockHeight, height - row * blockHeight) : blockHeight
  }
}
