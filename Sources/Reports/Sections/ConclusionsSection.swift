internal import Recipes

extension ComparisonSection {
  /// The numbers in words, with their limits.
  static let conclusions = ComparisonSection(title: "What this does and does not show") {
    comparison in
    let pools = comparison.pools.enumerated().filter { $0.element.arms.count > 1 }
    return pools.flatMap { index, pool -> [Block] in
      let heading: [Block] = comparison.pools.count > 1 ? [.heading("Group \(index + 1)")] : []
      return heading + [.list(Conclusions(pool: pool).sentences)]
    }
  }
}
