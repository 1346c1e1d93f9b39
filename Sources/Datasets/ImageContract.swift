import Foundation

/// What a trained model's image must be; part of `contract.json`.
package struct ImageContract: Codable, Sendable, Equatable {
  /// Of one sample as the model sees it: channel, height, width.
  package var shape: [Int]
  /// Names of the channels, in their order.
  package var bands: [String]
  /// What a value means after scale and offset: `reflectance`, `db`, `dn` …; nil where unknown.
  package var unit: String?
  package var scale: Double
  package var offset: Double
  /// Band centers in nanometers; nil where unknown.
  package var wavelengths: [Double]?
  /// Meters per pixel; nil where unknown.
  package var resolution: Double?
  /// Marker of missing values, as stored.
  package var noData: Double?
  package var normalization: String
  /// Per band; empty where they are computed per sample or not at all.
  package var means: [Double]
  package var standardDeviations: [Double]
  /// Per band, values of the training part after scale and offset, at the shares of the contract.
  package var quantiles: [[Double]]
  /// Per band, ends of the training part's range; nil in contracts of before they were kept.
  package var minimums: [Double]?
  package var maximums: [Double]?
  /// Means and deviations of each group by which samples are normalized, as of each area of M3LEO; nil
  /// where one set serves all.
  package var groups: [String: PDEDataOptions.GivenStatistics]?
  /// How normalized spectra are shortened before patches are cut; nil where all bands remain.
  ///
  /// What stands above but the shape is of the bands before.
  package var reduction: SpectralReduction?

  private enum CodingKeys: String, CodingKey {
    case shape, bands, unit, scale, offset, wavelengths, resolution, normalization, means, quantiles
    case minimums, maximums, reduction, groups
    case noData = "no_data"
    case standardDeviations = "stds"
  }

  package init(
    shape: [Int], bands: [String], unit: String?, scale: Double, offset: Double,
    wavelengths: [Double]?,
    resolution: Double?, noData: Double?, normalization: String, means: [Double],
    standardDeviations: [Double], quantiles: [[Double]]
  ) {
    self.shape = shape
    self.bands = bands
    self.unit = unit
    self.scale = scale
    self.offset = offset
    self.wavelengths = wavelengths
    self.resolution = resolution
    self.noData = noData
    self.normalization = normalization
    self.means = means
    self.standardDeviations = standardDeviations
    self.quantiles = quantiles
  }
}

extension ImageContract {
  /// The same for a file, of the group that a folder of its path is called after, where groups were kept
  /// apart.
  ///
  /// - Throws: `DataError.optionInvalid` where no folder, or more than one, is called after a group.
  func statistics(for path: String, input: String) throws(DataError) -> [FieldStatistics] {
    guard let groups else { return statistics }
    let folders = Set(path.split(separator: "/").map(String.init))
    let names = groups.keys.filter(folders.contains)
    guard names.count == 1, let own = groups[names[0]] else {
      throw .optionInvalid(
        key: "predict \(input)", found: path,
        expected:
          "a path with one folder called after \(groups.keys.sorted()), by whose statistics "
          + "it is normalized; or train with stats_by: all")
    }
    var statistics = statistics
    for band in statistics.indices {
      statistics[band].mean = own.means[band]
      statistics[band].standardDeviation = own.stds[band]
    }
    return statistics
  }

  /// Numbers of the training part that normalization needs, band by band.
  var statistics: [FieldStatistics] {
    bands.indices.map { band in
      FieldStatistics(
        field: bands[band], count: 0, minimum: minimums?[band] ?? quantiles[band].first ?? 0,
        maximum: maximums?[band] ?? quantiles[band].last ?? 1,
        mean: means.isEmpty ? 0 : means[band],
        standardDeviation: standardDeviations.isEmpty ? 1 : standardDeviations[band],
        quantiles: quantiles[band])
    }
  }
}
