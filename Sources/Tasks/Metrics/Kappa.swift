/// Agreement beyond chance.
///
/// Cohen 1960, eq. 1.
package enum Kappa: ConfusionMetric {
  package static let name = "Kappa"
  package static let formula =
    "(pₒ − pₑ) / (1 − pₑ), pₒ the share of right samples, pₑ = Σ over classes of (share true) · "
    + "(share predicted); not a number where one class alone is true and predicted"

  package static func value(of matrix: ConfusionMatrix) -> Double {
    let total = Double(matrix.total)
    let chance =
      zip(matrix.truthTotals, matrix.predictionTotals).reduce(0.0) {
        $0 + Double($1.0) / total * (Double($1.1) / total)
      }
    return (AccuracyMicro.value(of: matrix) - chance) / (1 - chance)
  }
}
