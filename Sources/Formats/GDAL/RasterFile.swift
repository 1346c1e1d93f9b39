internal import CGDAL
import Foundation

/// A raster of any format that GDAL opens, described when opened and read by windows.
///
/// No handle is kept: every read opens the file anew on its own thread.
package struct RasterFile: Sendable {
  /// One layer of the raster.
  package struct Band: Sendable, Equatable {
    /// The file's description, empty where it has none.
    package var name: String
    /// Marker of missing values, as stored.
    package var noData: Double?
    /// Center in nanometers, where metadata or description say so.
    package var wavelength: Double?
    /// Factor and summand of stored values that the file declares, 1 and 0 where it declares none.
    package var scale: Double
    package var offset: Double
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

  /// Opens and describes the file at `path`.
  ///
  /// - Throws: `FormatError.fileMissing`, or `.malformed` where no driver reads it.
  package init(path: String) throws(FormatError) {
    self.path = path
    let description = try GDAL.withDataset(path) { dataset in
      let count = Int(GDALGetRasterCount(dataset))
      return (
        Int(GDALGetRasterXSize(dataset)), Int(GDALGetRasterYSize(dataset)),
        (1...max(1, count)).compactMap { GDAL.band(dataset, number: $0) },
        GDAL.pixelSize(dataset)
      )
    }
    (width, height, bands, pixelSize) = description
    guard !bands.isEmpty else {
      throw .malformed(path: path, format: "raster", reason: "it has no bands")
    }
  }

  /// Values of some bands, counted from 0, in a window: `[band, row, column]` as stored.
  ///
  /// - Throws: `FormatError.malformed` where the file cannot be read to its end.
  package func read(bands numbers: [Int], in window: Window) throws(FormatError) -> [Float] {
    precondition(
      numbers.allSatisfy(bands.indices.contains)
        && window.column >= 0 && window.row >= 0 && window.width > 0 && window.height > 0
        && window.column + window.width <= width && window.row + window.height <= height,
      "\(path): bands \(numbers) of \(bands.count), window \(window) of \(width)×\(height)")
    let count = numbers.count * window.width * window.height
    var map = numbers.map { Int32($0 + 1) }
    let values: [Float]? = try GDAL.withDataset(path) { dataset in
      var failed = false
      let values = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
        let status = GDALDatasetRasterIOEx(
          dataset, GF_Read, Int32(window.column), Int32(window.row), Int32(window.width),
          Int32(window.height), buffer.baseAddress, Int32(window.width), Int32(window.height),
          GDT_Float32, Int32(map.count), &map, 0, 0, 0, nil)
        failed = status != CE_None
        filled = failed ? 0 : count
      }
      return failed ? nil : values
    }
    guard let values else {
      throw .malformed(path: path, format: "raster", reason: GDAL.lastMessage)
    }
    return values
  }
}
