internal import CGDAL
import Foundation

/// GDAL's drivers, its errors and what its handles say, for `RasterFile`.
enum GDAL {
  private static let ready: Void = GDALAllRegister()

  /// Those of the named drivers that the library does not have.
  static func missingDrivers(of names: [String]) -> [String] {
    _ = ready
    return names.filter { GDALGetDriverByName($0) == nil }
  }

  /// What went wrong last on this thread.
  static var lastMessage: String {
    let message = CPLGetLastErrorMsg().map { String(cString: $0) } ?? ""
    return message.isEmpty ? "GDAL gives no reason" : message
  }

  /// Calls `body` with the opened file, which is closed afterwards; GDAL prints nothing meanwhile.
  static func withDataset<Result>(
    _ path: String, _ body: (GDALDatasetH) -> Result
  ) throws(FormatError) -> Result {
    _ = ready
    guard FileManager.default.fileExists(atPath: path) else { throw .fileMissing(path: path) }
    CPLPushErrorHandler(CPLQuietErrorHandler)
    defer { CPLPopErrorHandler() }
    CPLErrorReset()
    let flags = UInt32(GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR)
    guard let dataset = GDALOpenEx(path, flags, nil, nil, nil) else {
      throw .malformed(path: path, format: "raster", reason: lastMessage)
    }
    defer { GDALClose(dataset) }
    return body(dataset)
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
      name: name, noData: hasNoData ? noData : nil, wavelength: wavelength(band, name),
      scale: isScaled ? scale : 1, offset: has != 0 ? offset : 0)
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
