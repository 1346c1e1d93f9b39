import Formats
import Foundation
import Recipes
import Tensors

/// What the values of one raster file are, band by band, read in strips so that memory does not grow
/// with the file.
struct BandCheck {
  struct Band {
    var minimum = Float.infinity
    var maximum = -Float.infinity
    /// NaN or infinity that is no marker.
    var strays = 0
    var valid = 0
    var isWhole = true

    var isConstant: Bool { valid > 1 && minimum == maximum }
  }

  private(set) var bands: [Band]
  /// SHA-256 over shape and stored values.
  private(set) var digest: String

  /// Reads all values of `file`.
  ///
  /// - Throws: `FormatError` where it cannot be read to its end.
  init(_ file: PixelFile) throws {
    let markers = file.noData.map { $0.map { Float($0) } }
    var bands = file.bands.map { _ in Band() }
    var digests: [String] = ["\(file.bands.count)×\(file.height)×\(file.width)"]
    for window in file.strips {
      let values = try file.read(bands: Array(file.bands.indices), in: window)
      let perBand = window.width * window.height
      values.withElements(of: Float.self) { all in
        digests.append(SHA256Digest.of(Data(buffer: all)))
        for band in bands.indices {
          let plane = UnsafeBufferPointer(
            rebasing: all[(band * perBand)..<((band + 1) * perBand)])
          bands[band].add(plane, marker: markers[band])
        }
      }
    }
    self.bands = bands
    digest = SHA256Digest.of(digests.joined(separator: "\n"))
  }
}

extension PixelFile {
  /// Values in memory at once, at most.
  private static var largestStrip: Int { 8 << 20 }

  /// Windows over full rows that together are the file.
  var strips: [RasterFile.Window] {
    let rows = max(1, Self.largestStrip / max(1, width * bands.count))
    return stride(from: 0, to: height, by: rows).map {
      RasterFile.Window(column: 0, row: $0, width: width, height: min(rows, height - $0))
    }
  }
}

extension BandCheck.Band {
  mutating func add(_ values: UnsafeBufferPointer<Float>, marker: Float?) {
    for value in values {
      if let marker, value == marker || (value.isNaN && marker.isNaN) {
        continue
      } else if !value.isFinite {
        strays += 1
      } else {
        valid += 1
        if value < minimum { minimum = value }
        if value > maximum { maximum = value }
        if isWhole, value != value.rounded() { isWhole = false }
      }
    }
  }
}
