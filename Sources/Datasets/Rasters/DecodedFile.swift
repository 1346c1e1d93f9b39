import Formats
import Synchronization
import Tensors

/// The stored values of a whole file, decoded when first asked for and kept.
private final class DecodedFile: Sendable {
  private let file: PixelFile
  private let values = Mutex<[Float]?>(nil)

  init(_ file: PixelFile) { self.file = file }

  /// Values of some bands in a window, `[band, row, column]`, into `target`.
  func read(
    _ bands: [Int], _ window: RasterFile.Window, into target: UnsafeMutableBufferPointer<Float>
  ) throws {
    let all = try values.withLock { values in
      if let values { return values }
      let whole = RasterFile.Window(column: 0, row: 0, width: file.width, height: file.height)
      let decoded = try file.read(bands: Array(file.bands.indices), in: whole)
        .elements(as: Float.self)
      values = decoded
      return decoded
    }
    all.withUnsafeBufferPointer { all in
      guard let source = all.baseAddress, var place = target.baseAddress else { return }
      for band in bands {
        for row in window.row..<(window.row + window.height) {
          let start = (band * file.height + row) * file.width + window.column
          place.update(from: source + start, count: window.width)
          place += window.width
        }
      }
    }
  }
}

extension PixelFile {
  /// Size of all values in memory.
  var byteCount: Int { width * height * bands.count * MemoryLayout<Float>.size }

  /// The same file, decoded once as a whole: for many windows of one file or many epochs.
  func keptInMemory() -> PixelFile {
    let decoded = DecodedFile(self)
    var kept = PixelFile(
      path: path, width: width, height: height, bands: bands, wavelengths: wavelengths,
      resolution: resolution, noData: noData
    ) { try decoded.read($0, $1, into: $2) }
    kept.geoReference = geoReference
    return kept
  }
}
