extension AreaEstimates {
  /// Largest share of resamples that may lack a class on the map.
  private static let largestGap = 0.05

  /// Intervals of the areas over resampled units of the reference sample, in place of those of
  /// equations 10 and 11, which take reference points for independent: pixels of an image or a block are
  /// not.
  ///
  /// - Returns: One for each class, nil where units are too few to say.
  package static func intervals(
    over units: UnitDecisions, mappedPixels: [Int], pixelArea: Double, _ bootstrap: Bootstrap
  ) -> [ConfidenceInterval?] {
    let names = mappedPixels.indices.map { "\($0)" }
    var gaps = 0
    let intervals = bootstrap.intervals(units: units.units, outputs: mappedPixels.count) { draws in
      let matrix = units.matrix(weights: UnitDecisions.weights(draws, units: units.units))
      let estimates = try? AreaEstimates(
        matrix, mappedPixels: mappedPixels, pixelArea: pixelArea, classNames: names)
      guard let estimates else {
        gaps += 1
        return mappedPixels.map { Double($0) * pixelArea }
      }
      return estimates.classes.map(\.area.value)
    }
    let isEnough = Double(gaps) <= largestGap * Double(bootstrap.resamples)
    return isEnough ? intervals : intervals.map { _ in nil }
  }
}
