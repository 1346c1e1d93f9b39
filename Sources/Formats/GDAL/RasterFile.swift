internal import CGDAL

/// A raster of any format that GDAL opens, described when opened and read by windows.
///
/// No handle is kept: every read opens the file anew on its own thread. The usual kinds of TIFF are read
/// without GDAL, which takes microseconds to open; whatever is not as expected there goes through GDAL,
/// whose values and messages are the same. For many windows of one file of another kind in turn take a
/// `RasterReader`, which keeps decoded blocks.
package struct RasterFile: Sendable {
  /// One layer of the raster.
  package struct Band: Sendable, Equatable {
    /// The file's description, empty where it has none.
    package var name: String
    /// GDAL's name of the element type: `Byte`, `UInt16`, `Int16`, `Float32`, ….
    package var storedType: String
    /// Marker of missing values, as stored.
    package var noData: Double?
    /// Center in nanometers, where metadata or description say so.
    package var wavelength: Double?
    /// Factor and summand of stored values that the file declares, 1 and 0 where it declares none.
    package var scale: Double
    package var offset: Double
    /// Red, green, blue and alpha of values from 0; empty without a color table.
    package var colors: [[UInt8]]
  }

  /// Columns and rows, in pixels from the upper left corner.
  package struct Window: Sendable, Equatable {
    package var column: Int
    package var row: Int
    package var width: Int
    package var height: Int

    package init(column: Int, row: Int, width: Int, height: Int) {
      self.column = column
      self.row = row
      self.width = width
      self.height = height
    }
  }

  package let path: String
  package let width: Int
  package let height: Int
  package let bands: [Band]
  /// Meters per pixel along columns and rows; nil without a projected coordinate system.
  package let pixelSize: [Double]?
  /// Where the pixels lie on the ground.
  package let geoReference: GeoReference
  /// Items that the file's writer left, by key.
  package let metadata: [String: String]
  /// The file's bytes where they are not on the disk.
  let memory: MemoryFile?
  /// Where its pixels lie, of a file that is read without GDAL.
  private let layout: TIFFLayout?

  /// Opens and describes the file at `path`.
  ///
  /// - Throws: `FormatError.fileMissing`, or `.malformed` where no driver reads it.
  package init(path: String) throws(FormatError) {
    try self.init(path: path, memory: nil)
  }

  /// Opens and describes a file whose bytes are in memory, as from a container.
  ///
  /// - Parameters:
  ///   - image: The whole file.
  ///   - path: What messages call it.
  /// - Throws: `FormatError.malformed` where no driver reads it.
  package init(image: [UInt8], path: String) throws(FormatError) {
    try self.init(path: path, memory: MemoryFile(image, path: path))
  }

  private init(path: String, memory: MemoryFile?) throws(FormatError) {
    let dataset = try GDAL.open(path, in: memory)
    defer { GDALClose(dataset) }
    self.path = path
    self.memory = memory
    width = Int(GDALGetRasterXSize(dataset))
    height = Int(GDALGetRasterYSize(dataset))
    let count = Int(GDALGetRasterCount(dataset))
    bands = (1...max(1, count)).compactMap { GDAL.band(dataset, number: $0) }
    (pixelSize, geoReference, metadata) = GDAL.quietly {
      (GDAL.pixelSize(dataset), GeoReference(of: dataset), GDAL.metadata(dataset, domain: nil))
    }
    layout =
      memory == nil && GDAL.driver(of: dataset) == "GTiff"
      ? TIFFLayout(path: path, width: width, height: height, bands: count) : nil
    guard !bands.isEmpty else {
      throw .malformed(path: path, format: "raster", reason: "it has no bands")
    }
  }

  /// Whether it is read without GDAL.
  package var isReadDirectly: Bool { layout != nil }

  /// Values of some bands, counted from 0, in a window: `[band, row, column]` as stored.
  ///
  /// - Throws: `FormatError.malformed` where the file cannot be read to its end.
  package func read(bands numbers: [Int], in window: Window) throws(FormatError) -> [Float] {
    var values = [Float](repeating: 0, count: numbers.count * window.width * window.height)
    try values.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      try read(bands: numbers, in: window, into: buffer)
    }
    return values
  }

  /// The same into `target`, which has room for exactly them.
  package func read(
    bands numbers: [Int], in window: Window, into target: UnsafeMutableBufferPointer<Float>
  ) throws(FormatError) {
    requireInside(numbers, window, count: target.count)
    if let layout, TIFFReading(layout, bands: numbers, in: window).read(path: path, into: target) {
      return
    }
    try RasterReader(self).read(bands: numbers, in: window, into: target)
  }

  /// Bands and window are the caller's business.
  func requireInside(_ numbers: [Int], _ window: Window, count: Int) {
    precondition(
      numbers.allSatisfy(bands.indices.contains)
        && window.column >= 0 && window.row >= 0 && window.width > 0 && window.height > 0
        && window.column + window.width <= width && window.row + window.height <= height
        && count == numbers.count * window.width * window.height,
      "\(path): bands \(numbers) of \(bands.count), window \(window) of \(width)×\(height) into "
        + "\(count) values")
  }
}
