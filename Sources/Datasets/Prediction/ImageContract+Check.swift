import Foundation

extension ImageContract {
  /// Where `found` breaks this contract: bands, band centers, pixel size, or a median outside the
  /// 0.1 % to 99.9 % range of the training data, as for decibels in place of linear values.
  ///
  /// What is unknown on one side is not compared.
  package func mismatches(with found: ImageContract) -> [StateContract.Mismatch] {
    var mismatches: [StateContract.Mismatch] = []
    func differ(_ name: String, _ expected: String, _ value: String) {
      mismatches.append(.init(name: name, expected: expected, found: value))
    }
    if bands != found.bands { differ("bands", "\(bands)", "\(found.bands)") }
    if let expected = wavelengths, let value = found.wavelengths,
      zip(expected, value).contains(where: { abs($0 - $1) > Self.wavelengthTolerance })
    {
      differ("wavelengths", "\(expected.map(short))", "\(value.map(short))")
    }
    if let expected = resolution, let value = found.resolution,
      abs(expected - value) > Self.resolutionTolerance * expected
    {
      differ("resolution", "\(short(expected)) m", "\(short(value)) m")
    }
    for (band, (expected, values)) in zip(bands, zip(quantiles, found.quantiles)) {
      guard let low = expected.first, let high = expected.last,
        let place = FieldStatistics.shares.firstIndex(of: 0.5), values.indices.contains(place),
        !values[place].isNaN, !(low...high).contains(values[place])
      else { continue }
      differ(
        "values.\(band)", "a median in [\(short(low)), \(short(high))]", short(values[place]))
    }
    return mismatches
  }

  /// Nanometers.
  private static let wavelengthTolerance = 1.0
  private static let resolutionTolerance = 0.01
}

private func short(_ value: Double) -> String { String(format: "%.6g", value) }
