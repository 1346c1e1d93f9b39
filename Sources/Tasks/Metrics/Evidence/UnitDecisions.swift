/// Decisions of each unit of a split, as a run's record keeps them.
///
/// For paired comparisons of figures that no mean over units gives, such as mIoU, and for areas.
package struct UnitDecisions: Sendable {
  package let classes: Int
  private let evidence: ConfusionEvidence
  package let units: Int

  /// Nil for rows that are no such lists.
  ///
  /// - Parameters:
  ///   - classes: K.
  ///   - rows: one for each unit, `[cell, count, cell, count, …]` with the cells
  ///     `truth · K + prediction` that are not zero, and the cell −1 for samples without a prediction.
  package init?(classes: Int, rows: [[Int]]) {
    var units: [DecisionCounts] = []
    for row in rows {
      guard row.count % 2 == 0 else { return nil }
      var cells = [Int](repeating: 0, count: classes * classes)
      var undecided = 0
      for place in stride(from: 0, to: row.count, by: 2) {
        guard row[place] >= -1, row[place] < cells.count, row[place + 1] >= 0 else { return nil }
        if row[place] < 0 {
          undecided += row[place + 1]
        } else {
          cells[row[place]] += row[place + 1]
        }
      }
      units.append(DecisionCounts(counts: cells, undecided: undecided))
    }
    self.classes = classes
    self.units = units.count
    evidence = ConfusionEvidence([], classes: classes, units: units)
  }

  /// The matrix of units that count `weights` times each, `[unit]`.
  package func matrix(weights: [Int32]) -> ConfusionMatrix { evidence.matrix(weights: weights) }

  /// The matrix of all units.
  package var whole: ConfusionMatrix { evidence.whole }

  /// The metric of these decisions minus that of others over the same units in the same order, with
  /// the interval over resampled units.
  package func difference(
    of metric: any ConfusionMetric.Type, from other: UnitDecisions, _ bootstrap: Bootstrap
  ) -> (value: Double, interval: ConfidenceInterval?) {
    precondition(units == other.units, "\(units) and \(other.units) units")
    func difference(_ weights: [Int32]) -> Double {
      metric.figures(of: matrix(weights: weights))[0]
        - metric.figures(of: other.matrix(weights: weights))[0]
    }
    let intervals = bootstrap.intervals(units: units, outputs: 1) { draws in
      [difference(Self.weights(draws, units: units))]
    }
    return (difference([Int32](repeating: 1, count: units)), intervals[0])
  }

  /// How often each unit was drawn.
  static func weights(_ draws: [Int], units: Int) -> [Int32] {
    var weights = [Int32](repeating: 0, count: units)
    for unit in draws { weights[unit] += 1 }
    return weights
  }
}

extension DecisionCounts {
  /// As `UnitDecisions` takes it.
  var row: [Int] {
    cells.flatMap { [Int($0.cell), $0.count] } + (undecided > 0 ? [-1, undecided] : [])
  }
}
