import Formats
import Recipes
import Tensors

/// The cube of a scene as patches are cut from it: scaled, normalized and reduced, missing pixels 0.
struct SceneImage: Sendable {
  /// f32 `[band, row, column]`.
  let values: Tensor
  /// Names of the bands, or of the components.
  let bands: [String]
  /// Band centers in nanometers; nil for components, and where unknown.
  let wavelengths: [Double]?
  /// Meters per pixel; nil where unknown.
  let resolution: Double?
  /// Of each band before normalization and reduction, over the training pixels.
  let statistics: [FieldStatistics]
  let reduction: SpectralReduction?

  /// The stored value that stands for a missing one.
  private struct Marker {
    private let value: Float?

    init(_ cube: SceneArray, _ options: SceneOptions.Image) {
      value = (options.noData ?? cube.noData).map { Float($0) }
    }

    func marks(_ stored: Float) -> Bool {
      guard let value else { return false }
      return stored == value || (stored.isNaN && value.isNaN)
    }
  }

  /// Missing pixels of a cube by its markers, row by row.
  ///
  /// - Parameters:
  ///   - cube: values as stored.
  ///   - options: the marker, and whether any or all missing bands make a pixel missing.
  ///   - toleratesStrays: whether NaN or infinity that is no marker makes its pixel missing, too.
  /// - Returns: whether a pixel is missing, `[row · column]`, and which pixels hold strays.
  /// - Throws: `DataError.valueNotFinite` where strays are not tolerated.
  static func missing(
    _ cube: SceneArray, _ options: SceneOptions.Image, toleratesStrays: Bool = false
  ) throws(DataError) -> (isMissing: [Bool], strays: Set<Int>) {
    let marker = Marker(cube, options)
    let pixels = cube.width * cube.height
    var counts = [Int](repeating: 0, count: pixels)
    var strays = Set<Int>()
    for band in cube.bands.indices {
      for pixel in 0..<pixels {
        let value = cube.values[band * pixels + pixel]
        if marker.marks(value) {
          counts[pixel] += 1
        } else if !value.isFinite {
          guard toleratesStrays else {
            throw .valueNotFinite(path: cube.path, band: cube.bands[band], input: options.name)
          }
          strays.insert(pixel)
        }
      }
    }
    let limit = options.isMissingByAnyBand ? 1 : cube.bands.count
    return (counts.indices.map { counts[$0] >= limit || strays.contains($0) }, strays)
  }

  /// Prepares a cube, with the numbers of the training pixels, or of a trained run where the options
  /// know one.
  ///
  /// - Parameters:
  ///   - cube: values as stored, of the bands that the recipe selects.
  ///   - options: what the recipe says of them.
  ///   - isMissing: pixels that stay 0 and count nowhere.
  ///   - training: pixels of the training part.
  ///   - labelled: all pixels with a class.
  /// - Throws: `DataError`.
  init(
    _ cube: SceneArray, _ options: SceneOptions.Image, isMissing: [Bool], training: [Int],
    labelled: [Int]
  ) throws(DataError) {
    if let known = options.known, known.bands.count != cube.bands.count {
      throw .bandCountDiffers(
        path: cube.path, input: options.name, expected: known.bands, found: cube.bands)
    }
    let pixels = cube.width * cube.height
    var values = cube.values.map { $0 * Float(options.scale) + Float(options.offset) }
    let marker = Marker(cube, options)
    statistics = try Self.statistics(values, cube, training, options, marker)
    for (band, found) in statistics.enumerated() {
      let (factor, shift) = RasterScaling.slope(found, options.normalization)
      for place in (band * pixels)..<((band + 1) * pixels) {
        let value = values[place] * factor + shift
        // A band that lacks at a pixel with others stands at its mean.
        values[place] =
          marker.marks(cube.values[place])
          ? 0 : options.normalization == .twoSigma ? min(max(value, 0), 1) : value
      }
    }
    if let known = options.known {
      reduction = known.reduction
    } else {
      switch options.reduction {
      case .components(let count, let whitens, let fit):
        let valid = isMissing.indices.filter { !isMissing[$0] }
        let fitted = fit == .train ? training : fit == .labelled ? labelled : valid
        reduction = .components(
          try PrincipalComponents(
            of: values, bands: cube.bands.count, pixels: fitted, components: count,
            whitens: whitens))
      case .bands(let chosen):
        reduction = .bands(
          try chosen.numbers(among: cube.bands, input: options.name, path: cube.path))
      case nil: reduction = nil
      }
    }
    if let reduction { values = reduction.applied(to: values, pixels: pixels) }
    bands = reduction?.names(of: cube.bands) ?? cube.bands
    if let reduction {
      wavelengths = cube.wavelengths.flatMap(reduction.wavelengths)
    } else {
      wavelengths = cube.wavelengths
    }
    resolution = options.resolution ?? cube.resolution
    for pixel in isMissing.indices where isMissing[pixel] {
      for band in bands.indices { values[band * pixels + pixel] = 0 }
    }
    self.values = Tensor(values, shape: [bands.count, cube.height, cube.width])
  }

  /// The inputs of a sample, from its patch.
  func fields(of patch: Tensor, _ options: SceneOptions.Image) -> [String: Tensor] {
    let name = options.name
    var fields = [
      name: options.isStandardizedByPatch ? ScenePatches.standardized(patch) : patch
    ]
    if let wavelengths {
      fields[name + InputField.wavelengths] = Tensor(
        wavelengths.map { Float($0) }, shape: [wavelengths.count])
    }
    if let resolution { fields[name + InputField.resolution] = Tensor(Float(resolution)) }
    return fields
  }

  private static func statistics(
    _ values: [Float], _ cube: SceneArray, _ training: [Int], _ options: SceneOptions.Image,
    _ marker: Marker
  ) throws(DataError) -> [FieldStatistics] {
    let pixels = cube.width * cube.height
    var found: [FieldStatistics] = []
    for (band, name) in cube.bands.enumerated() {
      var accumulator = BandAccumulator(band: name, expecting: training.count)
      accumulator.add(
        training.compactMap { pixel in
          let place = band * pixels + pixel
          return marker.marks(cube.values[place]) ? nil : values[place]
        })
      found.append(accumulator.statistics)
    }
    if let known = options.known?.statistics {
      for (band, numbers) in zip(found.indices, known) {
        found[band].mean = numbers.mean
        found[band].standardDeviation = numbers.standardDeviation
        found[band].minimum = numbers.minimum
        found[band].maximum = numbers.maximum
      }
      return found
    }
    for band in found where band.count == 0 {
      throw .bandWithoutValues(band: band.field, input: options.name)
    }
    if let given = options.statistics {
      guard given.means.count == found.count, given.stds.count == found.count,
        given.stds.allSatisfy({ $0 > 0 && $0.isFinite }), given.means.allSatisfy(\.isFinite)
      else {
        throw .optionInvalid(
          key: "data.inputs.\(options.name).stats",
          found: "\(given.means.count) means, \(given.stds.count) stds",
          expected: "one finite mean and one positive std for each of the \(found.count) bands")
      }
      for band in found.indices {
        found[band].mean = given.means[band]
        found[band].standardDeviation = given.stds[band]
      }
    }
    guard options.normalization != .none else { return found }
    for band in found where !(Float(band.standardDeviation) > 0) {
      throw .constantBand(band: band.field, input: options.name, value: band.mean)
    }
    return found
  }
}
