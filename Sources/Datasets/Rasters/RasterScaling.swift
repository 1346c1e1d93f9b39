import Formats
import Foundation
import Tensors

/// What happens to the values of one input between the file and the model.
struct RasterScaling: Sendable {
  private let input: RasterOptions.Input
  /// Markers of missing values, band by band.
  private let markers: [Float?]
  /// Factor and summand of values after scale and offset, band by band.
  private let slopes: [(factor: Float, shift: Float)]
  private let isClipped: Bool

  /// For a layer like `layer`; without statistics values are only scaled.
  init(
    _ input: RasterOptions.Input, like layer: RasterScene.Layer, statistics: [FieldStatistics]?
  ) {
    self.input = input
    markers = layer.bands.map { band in
      // A reader that selects channels has marked missing values itself.
      let given = input.source.reader == nil ? input.noData : nil
      return (given ?? layer.file.noData[band]).map { Float($0) }
    }
    isClipped = statistics != nil && input.normalization == .twoSigma
    slopes =
      statistics.map { statistics in statistics.map { Self.slope($0, input.normalization) } }
      ?? layer.bands.map { _ in (1, 0) }
  }

  static func slope(
    _ band: FieldStatistics, _ normalization: RasterNormalization
  ) -> (factor: Float, shift: Float) {
    let (mean, deviation) = (band.mean, band.standardDeviation)
    switch normalization {
    case .zscore: return (Float(1 / deviation), Float(-mean / deviation))
    case .twoSigma: return (Float(1 / (4 * deviation)), Float(0.5 - mean / (4 * deviation)))
    case .minmax:
      let range = band.maximum - band.minimum
      return (Float(1 / range), Float(-band.minimum / range))
    case .none: return (1, 0)
    }
  }

  /// Values of a window of the scene `[band, row, column]`, scaled and normalized, brought to the
  /// layer's size, missing ones replaced.
  ///
  /// - Throws: `DataError.valueNotFinite` for NaN or infinity that is no marker.
  func values(of layer: RasterScene.Layer, in window: RasterFile.Window) throws -> Tensor {
    let fileWindow = layer.fileWindow(window)
    let stored = try layer.file.read(bands: layer.bands, in: fileWindow)
    let pixels = fileWindow.width * fileWindow.height
    let missing = try missing(stored, layer, pixels)
    let hole = layer.size == nil ? Float(input.replacement) : .nan
    stored.withMutableElements(of: Float.self) { values in
      for band in layer.bands.indices {
        let factor = Float(input.scale) * slopes[band].factor
        let shift = Float(input.offset) * slopes[band].factor + slopes[band].shift
        let plane = UnsafeMutableBufferPointer(
          rebasing: values[(band * pixels)..<((band + 1) * pixels)])
        if isClipped {
          for place in plane.indices {
            plane[place] = min(max(plane[place] * factor + shift, 0), 1)
          }
        } else if factor != 1 || shift != 0 {
          for place in plane.indices { plane[place] = plane[place] * factor + shift }
        }
      }
      for place in missing { values[place] = hole }
    }
    guard let size = layer.size else { return stored }
    let result = resized(stored, to: (size.height, size.width))
    if !missing.isEmpty {
      let replacement = Float(input.replacement)
      result.withMutableElements(of: Float.self) { values in
        for place in values.indices where values[place].isNaN { values[place] = replacement }
      }
    }
    return result
  }

  /// Valid values of a window of the file after scale and offset, band by band.
  func validValues(
    of layer: RasterScene.Layer, in window: RasterFile.Window
  ) throws -> [[Float]] {
    let stored = try layer.file.read(bands: layer.bands, in: window)
    let pixels = window.width * window.height
    var isMissing = [Bool](repeating: false, count: stored.elementCount)
    for place in try missing(stored, layer, pixels) { isMissing[place] = true }
    let (scale, offset) = (Float(input.scale), Float(input.offset))
    return stored.withElements(of: Float.self) { values in
      layer.bands.indices.map { band in
        ((band * pixels)..<((band + 1) * pixels)).compactMap {
          isMissing[$0] ? nil : values[$0] * scale + offset
        }
      }
    }
  }

  /// Whether each pixel of a window lacks some value that the model is given.
  func missingPixels(
    of layer: RasterScene.Layer, in window: RasterFile.Window
  ) throws -> [Bool] {
    let pixels = window.width * window.height
    var isMissing = [Bool](repeating: false, count: pixels)
    guard markers.contains(where: { $0 != nil }) else { return isMissing }
    let stored = try layer.file.read(bands: layer.bands, in: window)
    for place in try missing(stored, layer, pixels) { isMissing[place % pixels] = true }
    return isMissing
  }

  /// Places of the values that are missing.
  private func missing(
    _ stored: Tensor, _ layer: RasterScene.Layer, _ pixels: Int
  ) throws(DataError) -> [Int] {
    var marked: [Bool] = []
    let stray: Int? = stored.withElements(of: Float.self) { values in
      for band in layer.bands.indices {
        let marker = markers[band]
        let plane = UnsafeBufferPointer(
          rebasing: values[(band * pixels)..<((band + 1) * pixels)])
        // Most planes have neither, which is seen sooner than where.
        guard plane.firstNotFinite != nil || marker.map(plane.contains) == true else { continue }
        for place in (band * pixels)..<((band + 1) * pixels) {
          let value = values[place]
          guard !value.isFinite || value == marker else { continue }
          guard let marker, value == marker || (value.isNaN && marker.isNaN) else { return place }
          if marked.isEmpty { marked = [Bool](repeating: false, count: values.count) }
          marked[place] = true
        }
      }
      return nil
    }
    if let stray {
      throw .valueNotFinite(
        path: layer.file.path, band: layer.names[stray / pixels], input: input.name)
    }
    guard !marked.isEmpty else { return [] }
    let count = layer.bands.count
    var places: [Int] = []
    for pixel in 0..<pixels {
      let bands = (0..<count).filter { marked[$0 * pixels + pixel] }
      guard !bands.isEmpty else { continue }
      places += (input.isMissingByAnyBand ? Array(0..<count) : bands).map { $0 * pixels + pixel }
    }
    return places
  }
}
