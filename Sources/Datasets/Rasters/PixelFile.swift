package import Formats
package import Tensors

extension Tensor {
  /// A window of an image `[channel, row, column]`.
  package func cut(to window: RasterFile.Window) -> Tensor {
    sliced(axis: 1, window.row..<(window.row + window.height))
      .sliced(axis: 2, window.column..<(window.column + window.width)).copied()
  }
}

/// A file of pixels in bands, whatever its format: described when opened, read by windows.
package struct PixelFile: Sendable {
  package let path: String
  package let width: Int
  package let height: Int
  /// Names of the bands in the file's order, empty texts where the file has none.
  package let bands: [String]
  /// Band centers in nanometers; nil unless the file has all of them.
  package let wavelengths: [Double]?
  /// Meters per pixel; nil where the file does not say or pixels are not square.
  package let resolution: Double?
  /// Marker of missing values of each band, as stored.
  package let noData: [Double?]
  /// Where the pixels lie on the ground; nothing where the format does not say.
  package var geoReference = GeoReference()
  /// Fills the last argument with the values of bands in a window.
  typealias Filling =
    @Sendable ([Int], RasterFile.Window, UnsafeMutableBufferPointer<Float>) throws -> Void
  private let filling: Filling

  /// A file whose values come as arrays.
  init(
    path: String, width: Int, height: Int, bands: [String], wavelengths: [Double]? = nil,
    resolution: Double? = nil, noData: [Double?],
    reading: @escaping @Sendable ([Int], RasterFile.Window) throws -> [Float]
  ) {
    self.init(
      path: path, width: width, height: height, bands: bands, wavelengths: wavelengths,
      resolution: resolution, noData: noData
    ) { bands, window, target in
      _ = target.update(fromContentsOf: try reading(bands, window))
    }
  }

  /// A file whose values are written where they are wanted.
  init(
    path: String, width: Int, height: Int, bands: [String], wavelengths: [Double]? = nil,
    resolution: Double? = nil, noData: [Double?], filling: @escaping Filling
  ) {
    self.path = path
    self.width = width
    self.height = height
    self.bands = bands
    self.wavelengths = wavelengths
    self.resolution = resolution
    self.noData = noData
    self.filling = filling
  }

  /// Values of some bands in a window as stored, f32 `[band, row, column]`.
  package func read(bands numbers: [Int], in window: RasterFile.Window) throws -> Tensor {
    let values = Tensor(uninitialized: [numbers.count, window.height, window.width])
    try values.withMutableElements(of: Float.self) { try filling(numbers, window, $0) }
    return values
  }

  /// A raster of any format that GDAL opens.
  package static func raster(path: String) throws -> PixelFile {
    let file = try RasterFile(path: path)
    let wavelengths = file.bands.compactMap(\.wavelength)
    let size = file.pixelSize
    let isSquare = size.map { abs($0[0] - $0[1]) <= 1e-6 * $0[0] } ?? false
    var pixels = PixelFile(
      path: path, width: file.width, height: file.height, bands: file.bands.map(\.name),
      wavelengths: wavelengths.count == file.bands.count ? wavelengths : nil,
      resolution: isSquare ? size?[0] : nil, noData: file.bands.map(\.noData)
    ) { try file.read(bands: $0, in: $1, into: $2) }
    pixels.geoReference = file.geoReference
    return pixels
  }

  /// A JPEG picture as stored: no orientation of its metadata is applied.
  ///
  /// - Throws: `FormatError.unsupported` for one in four inks.
  package static func jpeg(path: String) throws -> PixelFile {
    let file = try RasterFile(path: path)
    let names = [1: ["gray"], 3: ["red", "green", "blue"]][file.bands.count]
    guard let names else {
      throw FormatError.unsupported(
        path: path, what: "a JPEG with \(file.bands.count) channels",
        remedy: "Convert it to RGB or gray, or to PNG.")
    }
    return PixelFile(
      path: path, width: file.width, height: file.height, bands: names,
      noData: names.map { _ in nil }
    ) { try file.read(bands: $0, in: $1, into: $2) }
  }

  /// A PNG picture; palettes become red, green and blue.
  package static func png(path: String) throws -> PixelFile {
    let header = try PNGHeader(path: path)
    let names: [String] =
      switch header.kind {
      case .gray: ["gray"]
      case .grayAlpha: ["gray", "alpha"]
      case .rgb, .palette: ["red", "green", "blue"]
      case .rgba: ["red", "green", "blue", "alpha"]
      }
    return PixelFile(
      path: path, width: header.width, height: header.height, bands: names,
      noData: names.map { _ in nil }
    ) { bands, window, target in
      let image = try PNGImage(path: path)
      guard image.width == header.width, image.height == header.height else {
        throw FormatError.malformed(
          path: path, format: "PNG", reason: "its size has changed since it was opened")
      }
      fill(target, with: image, bands, window)
    }
  }

  /// Values of bands in a window, `[band, row, column]`, from samples `[row, column, channel]`.
  private static func fill(
    _ target: UnsafeMutableBufferPointer<Float>, with image: PNGImage, _ bands: [Int],
    _ window: RasterFile.Window
  ) {
    let stride = image.colorModel.channelCount
    var colors: [[Float]] = []
    if case .palette(let palette) = image.colorModel { colors = palette.map { $0.map(Float.init) } }
    var place = 0
    image.samples.withUnsafeBufferPointer { samples in
      for band in bands {
        // A palette's only channel holds positions in its list.
        let channel = colors.isEmpty ? band : 0
        for row in window.row..<(window.row + window.height) {
          let start = (row * image.width + window.column) * stride + channel
          for column in 0..<window.width {
            let sample = samples[start + column * stride]
            target[place] = colors.isEmpty ? Float(sample) : colors[Int(sample)][band]
            place += 1
          }
        }
      }
    }
  }
}

extension PixelFile {
  /// The file on disk: that of the shard for a member of one.
  var storedPath: String { ShardShelf.shardPath(of: path) ?? path }
}
