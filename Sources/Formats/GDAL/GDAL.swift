internal import CGDAL
import Foundation

/// GDAL's drivers, its errors and what its handles say, for rasters read and written here.
enum GDAL {
  /// Most bytes of decoded blocks that the library keeps, for all files and threads together.
  ///
  /// Its own choice is a share of the machine's memory; `GDAL_CACHEMAX` in the environment goes before.
  private static let cacheByteCount: Int64 = 256 << 20

  /// Why the library cannot be used; nil once it is loaded and ready.
  static let failure: String? = {
    if let problem = attune_gdal_load() { return String(cString: problem) }
    GDALAllRegister()
    if ProcessInfo.processInfo.environment["GDAL_CACHEMAX"] == nil {
      GDALSetCacheMax64(cacheByteCount)
    }
    return nil
  }()

  /// Loads the library; to be called before anything else is asked of it for a file.
  static func load(for path: String) throws(FormatError) {
    guard let failure else { return }
    throw .unsupported(
      path: path, what: "a raster without GDAL (\(failure))",
      remedy: "Install the library: libgdal-dev or libgdal32 on Debian 12.")
  }

  /// Version of the loaded library, or why there is none.
  static var version: String {
    failure ?? String(cString: GDALVersionInfo("RELEASE_NAME"))
  }

  /// Those of the named drivers that the library does not have.
  static func missingDrivers(of names: [String]) -> [String] {
    names.filter { failure != nil || GDALGetDriverByName($0) == nil }
  }

  /// What went wrong last on this thread.
  static var lastMessage: String {
    let message = CPLGetLastErrorMsg().map { String(cString: $0) } ?? ""
    return message.isEmpty ? "GDAL gives no reason" : message
  }

  /// Calls `body` while GDAL, which is loaded, prints nothing; what fails inside is in `lastMessage`.
  static func quietly<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    CPLPushErrorHandler(CPLQuietErrorHandler)
    defer { CPLPopErrorHandler() }
    CPLErrorReset()
    return try body()
  }

  /// Opens a file for reading, on the disk or in memory; the caller closes it.
  static func open(_ path: String, in memory: MemoryFile? = nil) throws(FormatError) -> GDALDatasetH
  {
    guard memory != nil || FileManager.default.fileExists(atPath: path) else {
      throw .fileMissing(path: path)
    }
    try load(for: path)
    return try quietly { () throws(FormatError) in
      let flags = UInt32(GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR)
      guard let dataset = GDALOpenEx(memory?.location ?? path, flags, nil, nil, nil) else {
        throw .malformed(path: path, format: "raster", reason: lastMessage)
      }
      return dataset
    }
  }

  /// Short name of the driver that reads the file, `GTiff`, `ENVI`, ….
  static func driver(of dataset: GDALDatasetH) -> String {
    guard let driver = GDALGetDatasetDriver(dataset), let name = GDALGetDriverShortName(driver)
    else { return "" }
    return String(cString: name)
  }

  /// Values of some bands, counted from 0, in a window: `[band, row, column]` as stored.
  static func read(
    _ dataset: GDALDatasetH, path: String, bands: [Int], in window: RasterFile.Window,
    into target: UnsafeMutableBufferPointer<Float>
  ) throws(FormatError) {
    var map = bands.map { Int32($0 + 1) }
    try quietly { () throws(FormatError) in
      let status = GDALDatasetRasterIOEx(
        dataset, GF_Read, Int32(window.column), Int32(window.row), Int32(window.width),
        Int32(window.height), target.baseAddress, Int32(window.width), Int32(window.height),
        GDT_Float32, Int32(map.count), &map, 0, 0, 0, nil)
      guard status == CE_None else {
        throw .malformed(path: path, format: "raster", reason: lastMessage)
      }
    }
  }

  /// What the file says of a band, counted from 1.
  static func band(_ dataset: GDALDatasetH, number: Int) -> RasterFile.Band? {
    guard let band = GDALGetRasterBand(dataset, Int32(number)) else { return nil }
    let name = GDALGetDescription(band).map { String(cString: $0) } ?? ""
    var has: Int32 = 0
    let noData = GDALGetRasterNoDataValue(band, &has)
    let hasNoData = has != 0
    let scale = GDALGetRasterScale(band, &has)
    let isScaled = has != 0
    let offset = GDALGetRasterOffset(band, &has)
    return RasterFile.Band(
      name: name,
      storedType: GDALGetDataTypeName(GDALGetRasterDataType(band)).map { String(cString: $0) }
        ?? "",
      noData: hasNoData ? noData : nil, wavelength: wavelength(band, name),
      scale: isScaled ? scale : 1, offset: has != 0 ? offset : 0, colors: colors(band))
  }

  /// Meters per pixel along columns and rows under a projected coordinate system.
  static func pixelSize(_ dataset: GDALDatasetH) -> [Double]? {
    var transform = [Double](repeating: 0, count: 6)
    guard GDALGetGeoTransform(dataset, &transform) == CE_None,
      let system = GDALGetSpatialRef(dataset), OSRIsProjected(system) != 0
    else { return nil }
    let meters = OSRGetLinearUnits(system, nil)
    return [
      (transform[1] * transform[1] + transform[4] * transform[4]).squareRoot() * meters,
      (transform[2] * transform[2] + transform[5] * transform[5]).squareRoot() * meters,
    ]
  }

  /// Red, green, blue and alpha of each value; empty for a band without a color table.
  private static func colors(_ band: GDALRasterBandH) -> [[UInt8]] {
    guard let table = GDALGetRasterColorTable(band) else { return [] }
    return (0..<GDALGetColorEntryCount(table)).map { number in
      var entry = GDALColorEntry()
      GDALGetColorEntryAsRGB(table, number, &entry)
      return [entry.c1, entry.c2, entry.c3, entry.c4].map { UInt8(clamping: $0) }
    }
  }

  /// Items of a metadata domain by key; nil names the domain that users see.
  static func metadata(_ object: GDALMajorObjectH, domain: String?) -> [String: String] {
    var items: [String: String] = [:]
    guard var next = GDALGetMetadata(object, domain) else { return [:] }
    while let line = next.pointee {
      let parts = String(cString: line).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { items[String(parts[0])] = String(parts[1]) }
      next += 1
    }
    return items
  }

  /// Center in nanometers: from the item `wavelength`, or a description that ends in
  /// `(418.24 Nanometers)`.
  private static func wavelength(_ band: GDALRasterBandH, _ name: String) -> Double? {
    func item(_ key: String) -> String? {
      GDALGetMetadataItem(band, key, nil).map { String(cString: $0) }
    }
    if let text = item("wavelength"), let value = Double(text) {
      return nanometers(value, unit: item("wavelength_units") ?? "nanometers")
    }
    guard let match = name.firstMatch(of: /\(([0-9.]+) *([A-Za-zµ]+)\)/),
      let value = Double(match.1)
    else { return nil }
    return nanometers(value, unit: String(match.2))
  }

  private static func nanometers(_ value: Double, unit: String) -> Double? {
    switch unit.lowercased() {
    case "nm", "nanometers", "nanometer": value
    case "um", "µm", "micrometers", "micrometer": value * 1000
    default: nil
    }
  }
}
