/// How much a pretrained model is worth on a target, from mean squared errors (MORPH,
/// arXiv 2509.21670).
package struct TransferScores: Sendable, Equatable {
  /// Share of the way from the naive baseline to a model trained from scratch,
  /// GCR = (E_nb − E_pt) / (E_nb − E_sc).
  package let gapClosureRatio: Double
  /// Error over that of a model trained from scratch, OR = E_pt / E_sc.
  package let optimalityRatio: Double
  /// Share of the naive baseline's error that is gone, NBG = 1 − E_pt / E_nb.
  package let naiveBaselineGain: Double

  package static let formula =
    "GCR = (E_nb − E_pt) / (E_nb − E_sc), OR = E_pt / E_sc, NBG = 1 − E_pt / E_nb; E mean squared "
    + "errors of the naive baseline (nb), the pretrained model (pt) and a model trained from "
    + "scratch (sc); defined only for E_nb > E_sc"

  /// Nil unless the model trained from scratch beats the naive baseline.
  package init?(naive: Double, pretrained: Double, scratch: Double) {
    guard naive > scratch, scratch > 0 else { return nil }
    gapClosureRatio = (naive - pretrained) / (naive - scratch)
    optimalityRatio = pretrained / scratch
    naiveBaselineGain = 1 - pretrained / naive
  }
}
