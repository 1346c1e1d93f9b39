/// Mean average precision over classes.
package enum MeanAveragePrecisionMacro: RankMetric {
  package static let name = "mAP_Macro"
  package static let perClassName: String? = "AP"
  package static let averaging = RankAveraging.macro
  package static let formula =
    "per class Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds from the highest score on, R recall and P "
    + "precision of the samples whose score reaches it (steps, not trapezoids); then the mean over "
    + "the classes that have positives"

  package static func value(of ranking: WeightedRanking) -> Double { averagePrecision(ranking) }
}

/// Average precision of all pairs of sample and class as one ranking.
package enum MeanAveragePrecisionMicro: RankMetric {
  package static let name = "mAP_Micro"
  package static let averaging = RankAveraging.micro
  package static let formula =
    "Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds from the highest score on, R recall and P precision of the "
    + "pairs of sample and class whose score reaches it, all pairs in one ranking"

  package static func value(of ranking: WeightedRanking) -> Double { averagePrecision(ranking) }
}

private func averagePrecision(_ ranking: WeightedRanking) -> Double {
  var sum = 0.0
  ranking.forEachThreshold { threshold in
    guard threshold.positives > 0 else { return }
    sum +=
      Double(threshold.positives) * Double(threshold.positivesReached)
      / Double(threshold.allReached)
  }
  return sum / Double(ranking.positives)
}
