internal import CGDAL

/// An open raster for one thread, closed when dropped: windows read in turn share decoded blocks, so
/// that rows of a tiled file read band by band are decoded once.
package final class RasterReader {
  package let file: RasterFile
  private let dataset: GDALDatasetH

  /// Opens the file again.
  ///
  /// - Throws: `FormatError.fileMissing` or `.malformed`.
  package init(_ file: RasterFile) throws(FormatError) {
    self.file = file
    dataset = try GDAL.open(file.path, in: file.memory)
  }

  deinit { GDALClose(dataset) }

  /// Values of some bands, counted from 0, in a window: `[band, row, column]` as stored.
  ///
  /// - Throws: `FormatError.malformed` where the file cannot be read to its end.
  package func read(
    bands numbers: [Int], in window: RasterFile.Window
  ) throws(FormatError) -> [Float] {
    precondition(
      numbers.allSatisfy(file.bands.indices.contains)
        && window.column >= 0 && window.row >= 0 && window.width > 0 && window.height > 0
        && window.column + window.width <= file.width
        && window.row + window.height <= file.height,
      "\(file.path): bands \(numbers) of \(file.bands.count), window \(window) of "
        + "\(file.width)×\(file.height)")
    return try GDAL.read(dataset, path: file.path, bands: numbers, in: window)
  }
}
