package import Formats
import Recipes
package import Tensors

/// Raster files that a model trained on raster files predicts from.
package struct RasterPredictionScene: PredictionScene {
  private let inputs: [RasterOptions.Input]
  private let layers: [RasterScene.Layer]
  private let contract: [ImageContract]
  private let scalings: [RasterScaling]
  private let transforms: [any Transform]
  package let geoReference: GeoReference

  /// Opens one file for each input.
  ///
  /// - Throws: `DataError` for files that differ in size or lack bands, `FormatError` for an
  ///   unreadable one.
  init(
    _ files: [String: String], _ options: RasterOptions, contract: [String: ImageContract]
  ) throws {
    inputs = options.inputs
    layers = try inputs.map { input in
      guard let path = files[input.name] else {
        throw DataError.optionInvalid(
          key: "predict", found: "no file of input '\(input.name)'",
          expected: "one for each of \(options.inputs.map(\.name).joined(separator: ", "))")
      }
      return try RasterScene.layer(options.open(path, as: input), input)
    }
    self.contract = try zip(inputs, layers).map { input, layer in
      guard let known = contract[input.name], known.bands.count == layer.bands.count else {
        throw DataError.bandCountDiffers(
          path: layer.file.path, input: input.name,
          expected: contract[input.name]?.bands ?? [], found: layer.names)
      }
      return known
    }
    for layer in layers.dropFirst()
    where layer.width != layers[0].width || layer.height != layers[0].height {
      throw DataError.filesDiffer(
        property: "size", first: layers[0].file.path,
        expected: "\(layers[0].height)×\(layers[0].width)", second: layer.file.path,
        found: "\(layer.height)×\(layer.width)")
    }
    scalings = try zip(zip(inputs, layers), self.contract).map { pair, contract in
      RasterScaling(
        pair.0, like: pair.1,
        statistics: pair.0.normalization == .none
          ? nil : try contract.statistics(for: pair.1.file.path, input: pair.0.name))
    }
    let first = layers[0]
    geoReference = first.file.geoReference.scaled(
      columns: Double(first.file.width) / Double(first.width),
      rows: Double(first.file.height) / Double(first.height))
    transforms = options.transforms
    _ = try transforms.preparing([:])
  }

  package var path: String { layers[0].file.path }
  package var width: Int { layers[0].width }
  package var height: Int { layers[0].height }
  package var resolution: Double? { inputs[0].resolution ?? layers[0].resolution }

  package func fields(in window: RasterFile.Window) throws -> [String: Tensor] {
    var (images, fields): ([String: Tensor], [String: Tensor]) = ([:], [:])
    for (number, input) in inputs.enumerated() {
      let layer = layers[number]
      let values = try scalings[number].values(of: layer, in: window)
      images[input.name] = layer.size == nil ? values : values.cut(to: window)
      if let wavelengths = RasterSamples.wavelengths(input, layer) {
        fields[input.name + InputField.wavelengths] = Tensor(
          wavelengths.map { Float($0) }, shape: [wavelengths.count])
      }
      if let resolution = input.resolution ?? layer.resolution {
        fields[input.name + InputField.resolution] = Tensor(Float(resolution))
      }
    }
    return fields.merging(try transforms.preparing(images)) { $1 }
  }

  package func missing(in window: RasterFile.Window) throws -> [Bool] {
    var isMissing = [Bool](repeating: false, count: window.width * window.height)
    for (scaling, layer) in zip(scalings, layers) {
      var own = try scaling.missingPixels(of: layer, in: layer.fileWindow(window))
      if let size = layer.size {
        let shape = [1, layer.file.height, layer.file.width]
        own = resized(
          Tensor(own.map { $0 ? 1 : 0 }, shape: shape), to: (size.height, size.width), by: .nearest
        ).cut(to: window).elements(as: Float.self).map { $0 == 1 }
      }
      for pixel in own.indices where own[pixel] { isMissing[pixel] = true }
    }
    return isMissing
  }

  package func outlierShares(in window: RasterFile.Window) throws -> Tensor {
    let pixels = window.width * window.height
    var outside = [Float](repeating: 0, count: pixels)
    var bands = 0
    for (number, input) in inputs.enumerated() {
      let layer = layers[number]
      var stored = try layer.file.read(bands: layer.bands, in: layer.fileWindow(window))
      if let size = layer.size {
        stored = resized(stored, to: (size.height, size.width), by: .nearest).cut(to: window)
      }
      let (scale, offset) = (Float(input.scale), Float(input.offset))
      stored.withElements(of: Float.self) { values in
        for band in layer.bands.indices {
          let range = contract[number].quantiles[band]
          let (low, high) = (Float(range.first ?? 0), Float(range.last ?? 0))
          for pixel in 0..<pixels {
            let value = values[band * pixels + pixel] * scale + offset
            if !(value >= low && value <= high) { outside[pixel] += 1 }
          }
        }
      }
      bands += layer.bands.count
    }
    let isMissing = try missing(in: window)
    return Tensor(
      outside.indices.map { isMissing[$0] ? .nan : outside[$0] / Float(max(1, bands)) },
      shape: [window.height, window.width])
  }

  /// Windows per axis and their side, from which quantiles are taken.
  private static let probes = 8
  private static let probeSide = 128

  package func found() throws -> [String: ImageContract] {
    var found: [String: ImageContract] = [:]
    for (number, input) in inputs.enumerated() {
      let layer = layers[number]
      let raw = RasterScaling(input, like: layer, statistics: nil)
      var bands = layer.names.map { BandAccumulator(band: $0, expecting: width * height) }
      for window in probes {
        let place = layer.fileWindow(window)
        for (band, values) in try raw.validValues(of: layer, in: place).enumerated() {
          bands[band].add(values)
        }
      }
      var contract = contract[number]
      contract.bands = layer.names
      contract.wavelengths = RasterSamples.wavelengths(input, layer)
      contract.resolution = input.resolution ?? layer.resolution
      contract.quantiles = bands.map { $0.statistics.quantiles }
      found[input.name] = contract
    }
    return found
  }

  /// The whole raster where it is small, else windows at even distances.
  private var probes: [RasterFile.Window] {
    let side = Self.probeSide
    guard width * height > Self.probes * Self.probes * side * side else {
      return [RasterFile.Window(column: 0, row: 0, width: width, height: height)]
    }
    func starts(_ length: Int) -> [Int] {
      let last = max(0, length - side)
      return (0..<Self.probes).map { $0 * last / (Self.probes - 1) }
    }
    return starts(height).flatMap { row in
      starts(width).map { column in
        RasterFile.Window(
          column: column, row: row, width: min(side, width), height: min(side, height))
      }
    }
  }
}
