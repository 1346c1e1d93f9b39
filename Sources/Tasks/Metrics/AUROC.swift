/// Area under the receiver operating characteristic, one class against the rest (Hanley and McNeil
/// 1982).
package enum AUROCMacro: RankMetric {
  package static let name = "AUROC_Macro"
  package static let perClassName: String? = "AUROC"
  package static let averaging = RankAveraging.macroOrPositive
  package static let formula =
    "per class the share of pairs of a positive and a negative sample whose scores are in the right "
    + "order, equal scores counted half; then the mean over the classes that have positives and "
    + "negatives (with two classes, of which one is true, the second one's alone)"

  package static func value(of ranking: WeightedRanking) -> Double {
    // Twice the pairs in the right order, so that halves are whole.
    var doubled = 0
    ranking.forEachThreshold { threshold in
      let negativesReached = threshold.allReached - threshold.positivesReached
      doubled +=
        threshold.positives * (2 * (ranking.negatives - negativesReached) + threshold.negatives)
    }
    return Double(doubled) / (2 * Double(ranking.positives) * Double(ranking.negatives))
  }
}
