/// Areas of land-cover classes with intervals, from a map and a sample of reference points.
///
/// Olofsson and others 2014, Remote Sensing of Environment 148:42–57, equations 1 to 11.
///
/// Counting a map's pixels gives biased areas, since its errors do not cancel. The estimator holds
/// where the reference points are a stratified random sample with the map's classes as strata (or a
/// simple random or systematic sample, then poststratified); test pixels chosen in any other way do
/// not give defensible areas.
package struct AreaEstimates: Codable, Sendable, Equatable {
  /// A value with half the width of its 95 % interval.
  package struct Estimate: Codable, Sendable, Equatable {
    package let value: Double
    package let halfWidth: Double

    package var lower: Double { value - halfWidth }
    package var upper: Double { value + halfWidth }
  }

  /// One class.
  package struct ClassArea: Codable, Sendable, Equatable {
    package let name: String
    /// Reference points on pixels that the map gives this class.
    package let samples: Int
    /// Pixels that the map gives this class, in `unit`.
    package let mappedArea: Double
    /// What the class truly covers, in `unit`.
    package let area: Estimate
    /// Share of what the map calls the class that is of it; nil where the map has none.
    package let usersAccuracy: Estimate?
    /// Share of the class that the map calls it; nil where no reference point is of it.
    package let producersAccuracy: Estimate?
  }

  /// Unit of the areas, as `ha`.
  package let unit: String
  package let overallAccuracy: Estimate
  /// In the order of the classes.
  package let classes: [ClassArea]

  package static let formula =
    "stratified estimator of Olofsson et al. 2014 (RSE 148:42–57): W_i share of the map in class i, "
    + "n_ij points of map class i and reference class j; area of class k = A Σ_i W_i n_ik / n_i, "
    + "standard error A √(Σ_i W_i² (n_ik / n_i)(1 − n_ik / n_i) / (n_i − 1)), intervals ± 1.96 "
    + "standard errors"

  /// Half the width of a 95 % interval in standard errors, as the paper takes it.
  private static let standardErrors = 1.96

  /// - Parameters:
  ///   - counts: reference points `[map class, reference class]`, K × K.
  ///   - mappedPixels: pixels of the whole map by class, `[class]`.
  ///   - pixelArea: area of a pixel in `unit`.
  ///   - unit: printed behind areas.
  ///   - classNames: names of the K classes.
  /// - Throws: `TaskError.stratumWithoutVariance` for a class on the map with fewer than two points,
  ///   `TaskError.stratumNotOnMap` for points of a class that the map does not have.
  package init(
    counts: [[Int]], mappedPixels: [Int], pixelArea: Double, unit: String = "ha",
    classNames: [String]
  ) throws(TaskError) {
    precondition(
      counts.count == classNames.count && mappedPixels.count == classNames.count
        && counts.allSatisfy { $0.count == classNames.count },
      "\(counts.count) rows and \(mappedPixels.count) strata for \(classNames.count) classes")
    for (index, name) in classNames.enumerated() {
      let samples = counts[index].reduce(0, +)
      if mappedPixels[index] > 0, samples < 2 {
        throw .stratumWithoutVariance(
          stratum: name, samples: samples, mappedPixels: mappedPixels[index])
      }
      if mappedPixels[index] == 0, samples > 0 {
        throw .stratumNotOnMap(stratum: name, samples: samples)
      }
    }
    let sample = StratifiedSample(counts: counts, pixels: mappedPixels)
    let areaOfMap = Double(mappedPixels.reduce(0, +)) * pixelArea
    func estimate(_ value: Double, _ variance: Double, times scale: Double = 1) -> Estimate {
      Estimate(
        value: value * scale, halfWidth: Self.standardErrors * variance.squareRoot() * scale)
    }
    self.unit = unit
    overallAccuracy = estimate(sample.overall.value, sample.overall.variance)
    classes = classNames.indices.map { index in
      let share = sample.share(ofReference: index)
      return ClassArea(
        name: classNames[index], samples: counts[index].reduce(0, +),
        mappedArea: Double(mappedPixels[index]) * pixelArea,
        area: estimate(share.value, share.variance, times: areaOfMap),
        usersAccuracy: sample.users(index).map { estimate($0.value, $0.variance) },
        producersAccuracy: sample.producers(index).map { estimate($0.value, $0.variance) })
    }
  }

  /// From decisions over reference points, the map's class being the prediction.
  package init(
    _ confusion: ConfusionMatrix, mappedPixels: [Int], pixelArea: Double, unit: String = "ha",
    classNames: [String]
  ) throws(TaskError) {
    try self.init(
      counts: (0..<confusion.classes).map { map in
        (0..<confusion.classes).map { confusion[truth: $0, prediction: map] }
      }, mappedPixels: mappedPixels, pixelArea: pixelArea, unit: unit, classNames: classNames)
  }
}
