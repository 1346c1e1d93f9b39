package import Formats
import Recipes
package import Tensors

/// A scene that a model trained on patches of a scene predicts from, with the numbers of its
/// normalization and reduction.
///
/// The cube is held as a whole, as stored and as prepared.
package struct ScenePredictionScene: PredictionScene {
  private let options: SceneOptions
  private let contract: ImageContract
  private let cube: SceneArray
  private let isMissing: [Bool]
  private let image: SceneImage
  private let patches: ScenePatches

  /// Opens the file; `options` know the contract.
  ///
  /// - Throws: `DataError` for a file of other bands or whose array is not clear, `FormatError` for an
  ///   unreadable one.
  init(_ path: String, _ options: SceneOptions, _ contract: ImageContract) throws {
    self.options = options
    self.contract = contract
    cube = try options.cube(path)
    isMissing = try SceneImage.missing(cube, options.image, toleratesStrays: true).isMissing
    image = try SceneImage(
      cube, options.image, isMissing: isMissing, training: [], labelled: [])
    patches = ScenePatches(of: image.values, side: options.patch, padding: options.padding)
  }

  package var path: String { cube.path }
  package var width: Int { cube.width }
  package var height: Int { cube.height }
  package var geoReference: GeoReference { cube.geoReference }
  package var resolution: Double? { image.resolution }
  package var patchSide: Int? { options.patch }

  package func patch(row: Int, column: Int) throws -> [String: Tensor]? {
    guard !isMissing[row * width + column] else { return nil }
    return try prepared(patches.patch(row: row, column: column))
  }

  private func prepared(_ values: Tensor) throws -> [String: Tensor] {
    let inputs = try options.transforms.preparing([options.image.name: values])
    return image.fields(of: inputs[options.image.name] ?? values, options.image)
  }

  package func fields(in window: RasterFile.Window) throws -> [String: Tensor] {
    let rows = image.values.sliced(axis: 1, window.row..<(window.row + window.height))
    let values = rows.sliced(axis: 2, window.column..<(window.column + window.width)).copied()
    return try prepared(values)
  }

  package func missing(in window: RasterFile.Window) -> [Bool] {
    (window.row..<(window.row + window.height)).flatMap { row in
      isMissing[(row * width + window.column)..<(row * width + window.column + window.width)]
    }
  }

  package func outlierShares(in window: RasterFile.Window) throws -> Tensor {
    let (scale, offset) = (Float(options.image.scale), Float(options.image.offset))
    var outside = [Float](repeating: 0, count: window.width * window.height)
    for band in cube.bands.indices {
      let range = contract.quantiles[band]
      let (low, high) = (Float(range.first ?? 0), Float(range.last ?? 0))
      for row in 0..<window.height {
        let start = (band * height + window.row + row) * width + window.column
        for column in 0..<window.width {
          let value = cube.values[start + column] * scale + offset
          if !(value >= low && value <= high) { outside[row * window.width + column] += 1 }
        }
      }
    }
    let shares = outside.indices.map { place in
      let (row, column) = (window.row + place / window.width, window.column + place % window.width)
      return isMissing[row * width + column] ? .nan : outside[place] / Float(cube.bands.count)
    }
    return Tensor(shares, shape: [window.height, window.width])
  }

  package func found() throws -> [String: ImageContract] {
    let pixels = width * height
    let (scale, offset) = (Float(options.image.scale), Float(options.image.offset))
    let valid = isMissing.indices.filter { !isMissing[$0] }
    var found = contract
    found.bands = cube.bands
    found.wavelengths = cube.wavelengths
    found.resolution = resolution
    found.quantiles = cube.bands.enumerated().map { band, name in
      var accumulator = BandAccumulator(band: name, expecting: valid.count)
      accumulator.add(valid.map { cube.values[band * pixels + $0] * scale + offset })
      return accumulator.statistics.quantiles
    }
    return [options.image.name: found]
  }
}
