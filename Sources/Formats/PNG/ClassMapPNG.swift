/// A picture of a class map with a legend, filled from above as rows come.
///
/// Large maps are thinned: each pixel of the picture shows the class at the middle of a square, and the
/// legend says so. Small ones are enlarged. Pixels of no class are transparent, which the legend says
/// too. Memory is that of the picture.
package struct ClassMapPNG {
  /// Names of classes from 0.
  package let classNames: [String]
  private let width: Int
  private let height: Int
  /// Side of the squares that a pixel stands for, and of the square that shows one.
  private let thinning: Int
  private let enlargement: Int
  private var rowCount = 0
  /// Positions in the palette, row by row, before enlargement.
  private var pixels: [UInt8] = []
  private let palette: [[UInt8]]

  /// Palette: transparent, white and black stand before the classes.
  private static let transparent: UInt8 = 0
  private static let white: UInt8 = 1
  private static let black: UInt8 = 2
  private static let firstClass = 3
  /// Most classes that a picture shows.
  package static let largestClassCount = 256 - firstClass
  private static let smallestSide = 640

  /// An empty picture of a map.
  ///
  /// - Parameters:
  ///   - width: columns of the map.
  ///   - height: rows of the map.
  ///   - classNames: for the legend, from class 0; at most `largestClassCount`.
  ///   - colors: red, green and blue of each class; `ClassPalette` where nil.
  ///   - longestSide: of the picture without legend, in pixels.
  package init(
    width: Int, height: Int, classNames: [String], colors: [[UInt8]]? = nil,
    longestSide: Int = 2048
  ) {
    precondition(
      width > 0 && height > 0 && classNames.count <= Self.largestClassCount && longestSide > 0
        && colors.map { $0.count == classNames.count } != false,
      "a picture of \(width)×\(height) with \(classNames.count) classes")
    self.width = width
    self.height = height
    self.classNames = classNames
    let longest = max(width, height)
    thinning = (longest + longestSide - 1) / longestSide
    enlargement = max(1, min(Self.smallestSide, longestSide) / longest)
    let colors = colors ?? ClassPalette.colors(classNames.count)
    palette =
      [[255, 255, 255, 0], [255, 255, 255, 255], [0, 0, 0, 255]]
      + colors.map { Array($0.prefix(3)) + [255] }
    pixels.reserveCapacity(pictureWidth * pictureHeight)
  }

  private var pictureWidth: Int { (width + thinning - 1) / thinning }
  private var pictureHeight: Int { (height + thinning - 1) / thinning }

  /// Appends full rows of class numbers, `[row, column]`; numbers outside the classes are no class.
  package mutating func append<Number: BinaryInteger>(_ rows: UnsafeBufferPointer<Number>) {
    let count = rows.count / width
    precondition(
      count * width == rows.count && rowCount + count <= height,
      "\(rows.count) class numbers after \(rowCount) of \(height) rows of \(width)")
    for row in rowCount..<(rowCount + count) where isShown(row) {
      let start = (row - rowCount) * width
      for column in 0..<pictureWidth {
        let number = rows[start + middle(column, of: width)]
        let isClass = number >= 0 && number < classNames.count
        pixels.append(isClass ? UInt8(Self.firstClass + Int(number)) : Self.transparent)
      }
    }
    rowCount += count
  }

  /// Appends full rows of class numbers.
  package mutating func append<Number: BinaryInteger>(_ rows: [Number]) {
    rows.withUnsafeBufferPointer { append($0) }
  }

  /// The row or column of the map that position `index` of the picture shows.
  private func middle(_ index: Int, of length: Int) -> Int {
    min(index * thinning + thinning / 2, length - 1)
  }

  private func isShown(_ row: Int) -> Bool { middle(row / thinning, of: height) == row }

  /// The picture with its legend, once all rows are there.
  package func image() -> PNGImage {
    precondition(rowCount == height, "\(rowCount) of \(height) rows")
    let legend = ClassLegend(entries: entries, notes: notes, mapWidth: pictureWidth * enlargement)
    let mapHeight = pictureHeight * enlargement
    let imageHeight = mapHeight + legend.height
    var samples = [UInt16](repeating: UInt16(Self.transparent), count: legend.width * mapHeight)
    for row in 0..<mapHeight {
      for column in 0..<(pictureWidth * enlargement) {
        let pixel = pixels[row / enlargement * pictureWidth + column / enlargement]
        samples[row * legend.width + column] = UInt16(pixel)
      }
    }
    samples += legend.pixels(background: Self.white, ink: Self.black).map { UInt16($0) }
    return PNGImage(
      width: legend.width, height: imageHeight, colorModel: .palette(palette), bitDepth: 8,
      samples: samples)
  }

  /// Writes the picture as a file, as a whole or not at all.
  ///
  /// - Throws: `FormatError.cannotCreate` or `.writeFailed`.
  package func write(to path: String) throws(FormatError) { try image().write(to: path) }

  private var entries: [ClassLegend.Entry] {
    classNames.enumerated().map { number, name in
      .init(color: UInt8(Self.firstClass + number), text: name)
    }
  }

  private var notes: [String] {
    var notes: [String] = []
    if pixels.contains(Self.transparent) { notes.append("transparent: no data or ignored") }
    if thinning > 1 { notes.append("1 pixel shows the middle of \(thinning)x\(thinning)") }
    return notes
  }
}
