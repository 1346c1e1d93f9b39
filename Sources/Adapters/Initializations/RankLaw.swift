import Foundation

/// How ranks follow from contributions under a budget; this project's rule.
///
/// With c the contributions and d × k the sizes of the layers: δᵢ = clip(α (cᵢ / max c)^β, δ_min, 1),
/// rᵢ = clip(⌊δᵢ d k/(d + k) + ½⌋, r_min, min(d, k)), and α the largest number, found by bisection, for
/// which Σ rᵢ (dᵢ + kᵢ) and what is trained beside stay within the budget.
package struct RankLaw: Sendable {
  /// Share of all base values.
  package var budget: Double
  package var beta: Double
  /// δ_min.
  package var least: Double
  /// r_min.
  package var leastRank: Int

  package init(budget: Double, beta: Double, least: Double = 0, leastRank: Int = 0) {
    self.budget = budget
    self.beta = beta
    self.least = least
    self.leastRank = leastRank
  }

  /// - Parameters:
  ///   - contributions: one per layer.
  ///   - sizes: rows and columns of each layer's matricised weight.
  ///   - beside: values that are trained in full beside the pairs.
  ///   - total: values of the base.
  /// - Returns: a rank per layer; 0 leaves it alone.
  package func ranks(
    _ contributions: [Double], sizes: [(rows: Int, columns: Int)], beside: Int, total: Int
  ) -> [Int] {
    let largest = contributions.max() ?? 0
    guard largest > 0 else { return sizes.map { _ in leastRank } }
    let limit = budget * Double(total)
    func ranks(_ alpha: Double) -> [Int] {
      zip(contributions, sizes).map { contribution, size in
        let share = min(1, max(least, alpha * power(contribution / largest)))
        let (d, k) = (Double(size.rows), Double(size.columns))
        let rank = Int((share * d * k / (d + k) + 0.5).rounded(.down))
        return min(max(rank, leastRank), min(size.rows, size.columns))
      }
    }
    func count(_ alpha: Double) -> Double {
      zip(ranks(alpha), sizes).reduce(Double(beside)) {
        $0 + Double($1.0 * ($1.1.rows + $1.1.columns))
      }
    }
    var (low, high) = (0.0, 1.0)
    while count(high) <= limit, high < 1e12 { (low, high) = (high, high * 2) }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if count(middle) <= limit { low = middle } else { high = middle }
    }
    return ranks(low)
  }

  private func power(_ share: Double) -> Double { share > 0 ? pow(share, beta) : 0 }
}
