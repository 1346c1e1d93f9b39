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
  /// Of each band before normalization and reduction, over the training pixels.
  let statistics: [FieldStatistics]
  let components: PrincipalComponents?

  /// Missing pixels of a cube by its markers, row by row.
  ///
  /// - Throws: `DataError.valueNotFinite` for NaN or infinity that is no marker.
  static func missing(_ cube: SceneArray, _ options: SceneOptions.Image) throws(DataError) -> [Bool]
  {
    let marker = (options.noData ?? cube.noData).map { Float($0) }
    let pixels = cube.width * cube.height
    var counts = [Int](repeating: 0, count: pixels)
    for band in cube.bands.indices {
      for pixel in 0..<pixels {
        let value = cube.values[band * pixels + pixel]
        if let marker, value == marker || (value.isNaN && marker.isNaN) {
          counts[pixel] += 1
        } else if !value.isFinite {
          throw .valueNotFinite(
            path: cube.path, band: name(of: band, in: cube), input: options.name)
        }
      }
    }
    let limit = options.isMissingByAnyBand ? 1 : cube.bands.count
    return counts.map { $0 >= limit }
  }

  static func name(of band: Int, in cube: SceneArray) -> String {
    cube.bands[band].isEmpty ? "\(band + 1)" : cube.bands[band]
  }

  /// Prepares a cube.
  ///
  /// - Parameters:
  ///   - cube: values as stored.
  ///   - options: what the recipe says of them.
  ///   - isMissing: pixels that stay 0 and count nowhere.
  ///   - training: pixels of the training part.
  ///   - labelled: all pixels with a class.
  ///   - wavelengths: of the cube's bands.
  /// - Throws: `DataError`.
  init(
    _ cube: SceneArray, _ options: SceneOptions.Image, isMissing: [Bool], training: [Int],
    labelled: [Int], wavelengths: [Double]?
  ) throws(DataError) {
    let pixels = cube.width * cube.height
    var values = cube.values.map { $0 * Float(options.scale) + Float(options.offset) }
    var names = cube.bands.indices.map { Self.name(of: $0, in: cube) }
    statistics = try Self.statistics(values, names, training, options)
    for (band, found) in statistics.enumerated() {
      let (factor, shift) = RasterScaling.slope(found, options.normalization)
      for place in (band * pixels)..<((band + 1) * pixels) {
        let value = values[place] * factor + shift
        values[place] = options.normalization == .twoSigma ? min(max(value, 0), 1) : value
      }
    }
    var centers = wavelengths
    var components: PrincipalComponents?
    switch options.reduction {
    case .components(let count, let whitens, let fit):
      let valid = isMissing.indices.filter { !isMissing[$0] }
      let fitted = fit == .train ? training : fit == .labelled ? labelled : valid
      let found = try PrincipalComponents(
        of: values, bands: names.count, pixels: fitted, components: count, whitens: whitens)
      values = found.scores(values)
      names = (0..<count).map { "component \($0 + 1)" }
      centers = nil
      components = found
    case .bands(let numbers):
      guard let wrong = numbers.first(where: { !names.indices.contains($0) }) else {
        values = numbers.flatMap { values[($0 * pixels)..<(($0 + 1) * pixels)] }
        centers = centers.map { all in numbers.map { all[$0] } }
        names = numbers.map { names[$0] }
        break
      }
      throw .optionInvalid(
        key: "data.inputs.\(options.name).reduce.bands", found: "\(wrong)",
        expected: "numbers from 0 to \(names.count - 1)")
    case nil: break
    }
    for pixel in isMissing.indices where isMissing[pixel] {
      for band in names.indices { values[band * pixels + pixel] = 0 }
    }
    self.values = Tensor(values, shape: [names.count, cube.height, cube.width])
    self.components = components
    bands = names
    self.wavelengths = centers
  }

  private static func statistics(
    _ values: [Float], _ names: [String], _ training: [Int], _ options: SceneOptions.Image
  ) throws(DataError) -> [FieldStatistics] {
    let pixels = values.count / names.count
    var found: [FieldStatistics] = []
    for (band, name) in names.enumerated() {
      var accumulator = BandAccumulator(band: name, expecting: training.count)
      accumulator.add(training.map { values[band * pixels + $0] })
      found.append(accumulator.statistics)
    }
    if let given = options.statistics {
      guard given.means.count == found.count, given.stds.count == found.count else {
        throw .optionInvalid(
          key: "data.inputs.\(options.name).stats",
          found: "\(given.means.count) means, \(given.stds.count) stds",
          expected: "one of each for the \(found.count) bands")
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
