/// Estimators over reference points whose strata are the classes of a map (Olofsson and others
/// 2014); every value comes with the variance of its estimator.
struct StratifiedSample {
  typealias Moments = (value: Double, variance: Double)

  /// One stratum: its share of the map and of its points the share of each reference class.
  private struct Stratum {
    /// Pixels of the map, N_i.
    let pixels: Double
    /// W_i.
    let weight: Double
    /// n_i.
    let samples: Double
    /// n_ij / n_i, `[reference class]`.
    let shares: [Double]

    /// (n_ij / n_i)(1 − n_ij / n_i) / (n_i − 1).
    func variance(_ reference: Int) -> Double {
      shares[reference] * (1 - shares[reference]) / (samples - 1)
    }
  }

  /// Nil for a class that the map does not have: it weighs nothing.
  private let strata: [Stratum?]

  /// Counts are `[map class, reference class]`, with two points or more for each class that has
  /// pixels.
  init(counts: [[Int]], pixels: [Int]) {
    let total = Double(pixels.reduce(0, +))
    strata = zip(counts, pixels).map { row, pixels in
      guard pixels > 0 else { return nil }
      let samples = Double(row.reduce(0, +))
      return Stratum(
        pixels: Double(pixels), weight: Double(pixels) / total, samples: samples,
        shares: row.map { Double($0) / samples })
    }
  }

  /// Share of the map that is right: equations 1, 4 and 5.
  var overall: Moments {
    strata.enumerated().reduce((0, 0)) { sum, entry in
      guard let stratum = entry.element else { return sum }
      return (
        sum.0 + stratum.weight * stratum.shares[entry.offset],
        sum.1 + stratum.weight * stratum.weight * stratum.variance(entry.offset)
      )
    }
  }

  /// Share of a stratum that is right: equations 2 and 6.
  func users(_ index: Int) -> Moments? {
    strata[index].map { ($0.shares[index], $0.variance(index)) }
  }

  /// Share of a reference class that the map calls it: equations 3, 7 and 8.
  func producers(_ index: Int) -> Moments? {
    let pixels = strata.reduce(0) { $0 + ($1.map { $0.pixels * $0.shares[index] } ?? 0) }
    guard pixels > 0 else { return nil }
    let own = strata[index].map { $0.pixels * $0.shares[index] } ?? 0
    let accuracy = own / pixels
    var sum = 0.0
    for (number, stratum) in strata.enumerated() {
      guard let stratum else { continue }
      let factor = number == index ? 1 - accuracy : accuracy
      sum += stratum.pixels * stratum.pixels * factor * factor * stratum.variance(index)
    }
    return (accuracy, sum / (pixels * pixels))
  }

  /// Share of the map that a reference class truly covers: equations 9 and 10.
  func share(ofReference index: Int) -> Moments {
    strata.reduce((0, 0)) { sum, stratum in
      guard let stratum else { return sum }
      return (
        sum.0 + stratum.weight * stratum.shares[index],
        sum.1 + stratum.weight * stratum.weight * stratum.variance(index)
      )
    }
  }
}
