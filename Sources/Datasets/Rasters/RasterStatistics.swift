import Formats
import Tensors

extension RasterOptions {
  /// Statistics of each band of each input over the training windows, after scale and offset; with those
  /// of each group, or of all under the empty name where the catalog keeps none apart.
  ///
  /// - Throws: `DataError` for a band without values or without spread, statistics of the recipe that do
  ///   not fit, or a group without a training window.
  func statistics(
    of scenes: [RasterScene], _ training: [RasterWindow], keeping kept: KeptStatistics? = nil
  ) throws -> (all: [[FieldStatistics]], groups: [String: [[FieldStatistics]]]) {
    let names = catalog.separatesGroups ? Set(scenes.map(\.group)).sorted() : [""]
    func measured() throws -> [MeasuredBands] {
      try inputs.indices.map { try bands(of: $0, scenes, training, groups: names) }
    }
    let found =
      try kept?.value(
        of: training.map { "\(scenes[$0.scene].group)/\($0.identifier(in: scenes[$0.scene]))" },
        in: Set(training.flatMap { scenes[$0.scene].layers.map(\.file.storedPath) }).sorted(),
        measured) ?? measured()
    var all: [[FieldStatistics]] = []
    var groups: [String: [[FieldStatistics]]] = [:]
    for (input, bands) in zip(inputs, found) {
      all.append(try input.checked(bands.pooled, given: input.statistics, ""))
      for name in names {
        let given = names.count > 1 ? input.groupStatistics[name] : input.statistics
        groups[name, default: []].append(
          try input.checked(bands.apart[name] ?? bands.pooled, given: given, name))
      }
    }
    return (all, groups)
  }

  /// Reads the training windows of one input.
  private func bands(
    of number: Int, _ scenes: [RasterScene], _ training: [RasterWindow], groups: [String]
  ) throws -> MeasuredBands {
    let like = scenes[0].layers[number]
    let raw = RasterScaling(inputs[number], like: like, statistics: nil)
    func fresh(_ windows: [RasterWindow]) -> [BandAccumulator] {
      let pixels = windows.reduce(0) { $0 + $1.window.width * $1.window.height }
      return like.names.map { BandAccumulator(band: $0, expecting: pixels) }
    }
    var pooled = fresh(training)
    var apart: [String: [BandAccumulator]] = [:]
    for name in groups where groups.count > 1 {
      apart[name] = fresh(training.filter { scenes[$0.scene].group == name })
    }
    try concurrentForEach(training.count) { place in
      let layer = scenes[training[place].scene].layers[number]
      let window = layer.fileWindow(training[place].window)
      return (scenes[training[place].scene].group, try raw.validValues(of: layer, in: window))
    } take: { group, values in
      for (band, list) in values.enumerated() {
        pooled[band].add(list)
        apart[group]?[band].add(list)
      }
    }
    return MeasuredBands(
      pooled: pooled.map(\.statistics), apart: apart.mapValues { $0.map(\.statistics) })
  }
}

/// Statistics of the bands of one input over all training windows, and over those of each group where
/// the catalog keeps them apart.
private struct MeasuredBands: Codable {
  let pooled: [FieldStatistics]
  let apart: [String: [FieldStatistics]]
}

extension RasterOptions.Input {
  /// Deviations between the mean of the data and the recipe's, beyond which they tell of other data.
  private static let farthestMean = 3.0

  /// Statistics with the means and deviations of the recipe or of a trained run, fit to normalize by.
  fileprivate func checked(
    _ found: [FieldStatistics], given: PDEDataOptions.GivenStatistics?, _ group: String
  ) throws(DataError) -> [FieldStatistics] {
    let name = group.isEmpty ? name : "\(name) in \(group)"
    for band in found where band.count == 0 && given == nil {
      throw .bandWithoutValues(band: band.field, input: name)
    }
    var found = found
    if let given {
      guard given.means.count == found.count, given.stds.count == found.count,
        given.stds.allSatisfy({ $0 > 0 && $0.isFinite }), given.means.allSatisfy(\.isFinite)
      else {
        throw .optionInvalid(
          key: "data.inputs.\(name).stats",
          found: "\(given.means.count) means, \(given.stds.count) stds",
          expected: "one finite mean and one positive std for each of the \(found.count) bands")
      }
      for band in found.indices where found[band].count > 0 && !statisticsAreARuns {
        let distance = abs(found[band].mean - given.means[band]) / given.stds[band]
        guard distance <= Self.farthestMean else {
          throw .statisticsForeign(
            band: found[band].field, input: name, found: found[band].mean,
            given: given.means[band], deviations: distance)
        }
      }
      for band in found.indices {
        found[band].mean = given.means[band]
        found[band].standardDeviation = given.stds[band]
      }
    }
    for band in found where normalization != .none && !(Float(band.standardDeviation) > 0) {
      throw .constantBand(band: band.field, input: name, value: band.mean)
    }
    return found
  }
}
