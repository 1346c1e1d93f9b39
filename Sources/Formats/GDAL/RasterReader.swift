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
    var values = [Float](repeating: 0, count: numbers.count * window.width * window.height)
    try values.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      try read(bands: numbers, in: window, into: buffer)
    }
    return values
  }

  /// The same into `target`, which has room for exactly them.
  func read(
    bands numbers: [Int], in window: RasterFile.Window,
    into target: UnsafeMutableBufferPointer<Float>
  ) throws(FormatError) {
    file.requireInside(numbers, window, count: target.count)
    try GDAL.read(dataset, path: file.path, bands: numbers, in: window, into: target)
  }
}
