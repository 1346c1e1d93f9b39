/// Scores of a binary problem in falling order, sorted once for all resamples.
struct Ranking: Sendable {
  /// Equal scores of which at least one is of the positive class.
  fileprivate struct Group: Sendable {
    /// Places of the first score and after the last one.
    let start: Int
    let end: Int
    /// Where its positives end in `positives`.
    let positivesEnd: Int
  }

  /// Unit of each score.
  fileprivate private(set) var units: [UInt32] = []
  fileprivate private(set) var groups: [Group] = []
  /// Unit of each positive score, group after group.
  fileprivate private(set) var positives: [UInt32] = []
  /// A score is not a number: nothing is sorted then.
  private(set) var hasUndecided = false

  /// - Parameters:
  ///   - units: scores and truths.
  ///   - classes: K.
  ///   - only: the class that is positive; nil takes all pairs of sample and class.
  init(_ units: [RankedUnit], classes: Int, only: Int? = nil) {
    var scored: [(score: Float, unit: UInt32, isPositive: Bool)] = []
    for (number, unit) in units.enumerated() {
      for index in stride(from: only ?? 0, to: unit.scores.count, by: only == nil ? 1 : classes) {
        if unit.scores[index].isNaN { hasUndecided = true }
        scored.append((unit.scores[index], UInt32(number), unit.truths[index]))
      }
    }
    guard !hasUndecided else { return }
    scored.sort { $0.score > $1.score }
    self.units = scored.map(\.unit)
    var start = 0
    for index in scored.indices {
      if scored[index].isPositive { positives.append(scored[index].unit) }
      guard index + 1 == scored.count || scored[index + 1].score != scored[index].score
      else { continue }
      if positives.count > groups.last?.positivesEnd ?? 0 {
        groups.append(Group(start: start, end: index + 1, positivesEnd: positives.count))
      }
      start = index + 1
    }
  }
}

/// Scores of a binary problem in falling order, where each unit counts several times or never.
package struct WeightedRanking {
  /// A score that at least one positive sample has.
  package struct Threshold {
    /// Positive samples of this score.
    package let positives: Int
    /// Negative samples of this score.
    package let negatives: Int
    /// Positive samples of this score or a higher one.
    package let positivesReached: Int
    /// Samples of this score or a higher one.
    package let allReached: Int
  }

  private let ranking: Ranking
  private let weights: [Int32]
  /// Samples before each place of the ranking.
  private let before: [Int]
  /// Samples of the positive class.
  package let positives: Int
  /// Samples of the negative class.
  package let negatives: Int

  /// Units count `weights` times each, `[unit]`.
  init(_ ranking: Ranking, weights: [Int32]) {
    self.ranking = ranking
    self.weights = weights
    let units = ranking.units
    before = [Int](unsafeUninitializedCapacity: units.count + 1) { places, count in
      var sum = 0
      for place in units.indices {
        places.initializeElement(at: place, to: sum)
        sum &+= Int(weights[Int(units[place])])
      }
      places.initializeElement(at: units.count, to: sum)
      count = units.count + 1
    }
    positives = ranking.positives.reduce(0) { $0 + Int(weights[Int($1)]) }
    negatives = before[units.count] - positives
  }

  /// Calls `body` at each score that a positive sample has, from the highest on.
  @inline(__always)
  func forEachThreshold(_ body: (Threshold) -> Void) {
    var reached = 0
    var start = 0
    for group in ranking.groups {
      var equal = 0
      for index in start..<group.positivesEnd {
        equal += Int(weights[Int(ranking.positives[index])])
      }
      start = group.positivesEnd
      reached += equal
      let all = before[group.end]
      body(
        Threshold(
          positives: equal, negatives: all - before[group.start] - equal,
          positivesReached: reached, allReached: all))
    }
  }
}
