internal import CGDAL
import Foundation

extension RasterWriter {
  /// A new file with all that stands before its first block.
  static func create(
    _ temporaryPath: String, for path: String, _ layout: RasterLayout
  ) throws(FormatError) -> GDALDatasetH {
    guard let driver = GDALGetDriverByName("GTiff") else {
      throw .unsupported(
        path: path, what: "writing GeoTIFF", remedy: "Install a GDAL that has its driver GTiff.")
    }
    let compression = layout.compression.rawValue.uppercased()
    let offered = GDALGetMetadataItem(driver, GDAL_DMD_CREATIONOPTIONLIST, nil)
    guard let offered, String(cString: offered).contains("<Value>\(compression)</Value>") else {
      throw .unsupported(
        path: path, what: "\(compression) compression by the installed GDAL",
        remedy: "Choose deflate.")
    }
    let options = [
      "TILED=YES", "BLOCKXSIZE=\(layout.blockSide)", "BLOCKYSIZE=\(layout.blockSide)",
      "COMPRESS=\(compression)", "PREDICTOR=\(layout.predictor)", "INTERLEAVE=BAND",
      "BIGTIFF=IF_SAFER",
    ].map { (option: String) in strdup(option) }
    defer { for option in options { free(option) } }
    var list: [UnsafeMutablePointer<CChar>?] = options + [nil]
    guard
      let dataset = GDALCreate(
        driver, temporaryPath, Int32(layout.width), Int32(layout.height),
        Int32(layout.bands.count), layout.elementType.gdalType, &list)
    else { throw .cannotCreate(path: path, reason: GDAL.lastMessage) }
    guard describe(dataset, layout) else {
      let reason = GDAL.lastMessage
      GDALClose(dataset)
      unlink(temporaryPath)
      throw .cannotCreate(path: path, reason: reason)
    }
    return dataset
  }

  /// False where GDAL refuses something.
  private static func describe(_ dataset: GDALDatasetH, _ layout: RasterLayout) -> Bool {
    guard layout.geoReference.apply(to: dataset) else { return false }
    for (key, value) in layout.metadata.sorted(by: { $0.key < $1.key }) {
      guard GDALSetMetadataItem(dataset, key, value, nil) == CE_None else { return false }
    }
    for (number, name) in layout.bands.enumerated() {
      guard let band = GDALGetRasterBand(dataset, Int32(number + 1)) else { return false }
      if !name.isEmpty { GDALSetDescription(band, name) }
      if let noData = layout.noData {
        guard GDALSetRasterNoDataValue(band, noData) == CE_None else { return false }
      }
      guard layout.colors.isEmpty || setColors(layout.colors, of: band) else { return false }
    }
    return true
  }

  private static func setColors(_ colors: [[UInt8]], of band: GDALRasterBandH) -> Bool {
    guard let table = GDALCreateColorTable(GPI_RGB) else { return false }
    defer { GDALDestroyColorTable(table) }
    for (value, color) in colors.enumerated() {
      var entry = GDALColorEntry(
        c1: Int16(color[0]), c2: Int16(color[1]), c3: Int16(color[2]), c4: Int16(color[3]))
      GDALSetColorEntry(table, Int32(value), &entry)
    }
    return GDALSetRasterColorTable(band, table) == CE_None
  }
}
