extension AreaEstimates {
  /// Largest share of resamples that may lack a class on the map; they are left out.
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
    var series = [[Double]](repeating: [], count: mappedPixels.count)
    _ = bootstrap.intervals(units: units.units, outputs: 1) { draws in
      let matrix = units.matrix(weights: UnitDecisions.weights(draws, units: units.units))
      let estimates = try? AreaEstimates(
        matrix, mappedPixels: mappedPixels, pixelArea: pixelArea, classNames: names)
      for (number, found) in (estimates?.classes ?? []).enumerated() {
        series[number].append(found.area.value)
      }
      return [0]
    }
    let least = (1 - largestGap) * Double(bootstrap.resamples)
    return series.map {
      !$0.isEmpty && Double($0.count) >= least ? Bootstrap.centralInterval(of: $0) : nil
    }
  }
}
