/// Ranks of a client's pairs under a budget of values, by what each weight contributes (after FedPipe,
/// arXiv 2404.06448).
///
/// A pair of rank r on weight i costs r c_i values, c_i = rows + columns, and counts for s_i f(r), s_i the
/// weight's contribution and f(r) = 1 + 1/2 + … + 1/r, so that each further rank is worth less. The ranks of
/// largest worth are found exactly, as an integer program, by going through budgets. The worth of a rank
/// and the measure of contribution are decisions of this project after the abstract; clients' updates are
/// put together by `FLoRA`, which takes any ranks.
package struct FedPipeAllocation: Sendable {
  /// A weight that can get a pair.
  package struct Weight: Sendable, Equatable {
    package var contribution: Double
    /// Values of rank 1.
    package var cost: Int

    package init(contribution: Double, cost: Int) {
      self.contribution = contribution
      self.cost = cost
    }
  }

  package let weights: [Weight]
  /// Largest rank of a weight.
  package let limit: Int

  package init(_ weights: [Weight], limit: Int) {
    self.weights = weights
    self.limit = limit
  }

  /// What ranks are worth.
  package func worth(_ ranks: [Int]) -> Double {
    zip(weights, ranks).reduce(0) { $0 + $1.0.contribution * Self.value(of: $1.1) }
  }

  /// Values that ranks cost.
  package func cost(_ ranks: [Int]) -> Int {
    zip(weights, ranks).reduce(0) { $0 + $1.0.cost * $1.1 }
  }

  /// The ranks of largest worth that cost at most `budget` values.
  package func ranks(budget: Int) -> [Int] {
    // Costs are counted in their greatest common divisor.
    let unit = weights.reduce(0) { Self.divisor($0, $1.cost) }
    guard unit > 0, budget >= 0 else { return weights.map { _ in 0 } }
    let room = budget / unit
    var best = [Double](repeating: 0, count: room + 1)
    var choices: [[Int]] = []
    for weight in weights {
      var next = best
      var chosen = [Int](repeating: 0, count: room + 1)
      let cost = weight.cost / unit
      for rank in stride(from: 1, through: limit, by: 1) where rank * cost <= room {
        let gain = weight.contribution * Self.value(of: rank)
        for spent in (rank * cost)...room where best[spent - rank * cost] + gain > next[spent] {
          next[spent] = best[spent - rank * cost] + gain
          chosen[spent] = rank
        }
      }
      best = next
      choices.append(chosen)
    }
    var ranks = [Int](repeating: 0, count: weights.count)
    var spent = room
    for index in weights.indices.reversed() {
      ranks[index] = choices[index][spent]
      spent -= ranks[index] * (weights[index].cost / unit)
    }
    return ranks
  }

  private static func value(of rank: Int) -> Double {
    rank > 0 ? (1...rank).reduce(0) { $0 + 1 / Double($1) } : 0
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}
