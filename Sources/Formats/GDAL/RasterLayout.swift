/// What a raster to be written is.
package struct RasterLayout: Sendable, Equatable {
  package enum Compression: String, Sendable, CaseIterable {
    case deflate, zstd
  }

  package var width: Int
  package var height: Int
  package var elementType: RasterElementType
  /// Descriptions of the bands, one each; empty texts are not written.
  package var bands: [String]
  /// Marker of missing values.
  package var noData: Double?
  /// Red, green, blue and alpha of values from 0, for one band of integers; TIFF drops alpha.
  package var colors: [[UInt8]] = []
  package var geoReference = GeoReference()
  /// Items for readers, as class names or accepted differences, by key.
  package var metadata: [String: String] = [:]
  package var compression = Compression.deflate

  package init(width: Int, height: Int, elementType: RasterElementType, bands: [String]) {
    precondition(
      width > 0 && height > 0 && !bands.isEmpty,
      "a raster of \(width)×\(height) with \(bands.count) bands")
    self.width = width
    self.height = height
    self.elementType = elementType
    self.bands = bands
  }

  /// Largest number of bytes of a row of blocks.
  private static let largestBlockRow = 128 << 20

  /// Side of the square blocks: 512, halved while a row of blocks in all bands exceeds 128 MiB, down
  /// to 64; a smaller raster has smaller blocks, multiples of 16 as TIFF asks for.
  package var blockSide: Int {
    var side = 512
    while side > 64, side * width * bands.count * elementType.byteCount > Self.largestBlockRow {
      side /= 2
    }
    return min(side, (max(width, height) + 15) / 16 * 16)
  }

  /// TIFF predictor: differences of floating-point bytes (3), of neighboring integers (2), or none (1)
  /// where values are class numbers.
  var predictor: Int {
    elementType == .float32 ? 3 : colors.isEmpty ? 2 : 1
  }
}
