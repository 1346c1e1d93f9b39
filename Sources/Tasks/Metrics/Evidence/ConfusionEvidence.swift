/// Decisions of each unit as the cells of its confusion matrix that are not zero.
struct ConfusionEvidence: UnitEvidence {
  let confusionMetrics: [any ConfusionMetric.Type]
  private let classes: Int
  /// Cells `truth · K + prediction` of all units, one unit after the other.
  private var cells: [Int32] = []
  /// Samples in each of `cells`.
  private var counts: [Int] = []
  /// Where the cells of each unit end.
  private var ends: [Int] = []
  /// Samples of each unit whose prediction was not a number, `[unit]`.
  private var undecided: [Int] = []

  init(_ metrics: [any ConfusionMetric.Type], classes: Int, units: [DecisionCounts]) {
    confusionMetrics = metrics
    self.classes = classes
    for unit in units {
      for (cell, count) in unit.cells {
        cells.append(cell)
        counts.append(count)
      }
      ends.append(cells.count)
      undecided.append(unit.undecided)
    }
  }

  var metrics: [any ClassMetric.Type] { confusionMetrics }

  /// The matrix of units that count `weights` times each.
  func matrix(weights: [Int32]) -> ConfusionMatrix {
    var whole = [Int](repeating: 0, count: classes * classes)
    var missing = 0
    var start = 0
    for unit in ends.indices {
      let weight = Int(weights[unit])
      let end = ends[unit]
      if weight > 0 {
        for index in start..<end { whole[Int(cells[index])] += weight * counts[index] }
        missing += weight * undecided[unit]
      }
      start = end
    }
    return ConfusionMatrix(classes: classes, counts: whole, undecided: missing)
  }

  /// The matrix of all units.
  var whole: ConfusionMatrix { matrix(weights: [Int32](repeating: 1, count: ends.count)) }

  func figures(weights: [Int32]) -> [Double] { figures(of: matrix(weights: weights)) }

  func figures(unit: Int) -> [Double] {
    var matrix = ConfusionMatrix(classes: classes)
    for index in (unit == 0 ? 0 : ends[unit - 1])..<ends[unit] {
      let cell = Int(cells[index])
      matrix.add(truth: cell / classes, prediction: cell % classes, count: counts[index])
    }
    matrix.addUndecided(count: undecided[unit])
    return figures(of: matrix)
  }

  private func figures(of matrix: ConfusionMatrix) -> [Double] {
    confusionMetrics.flatMap { $0.figures(of: matrix) }
  }
}

/// Decisions of one unit: the cells of its confusion matrix that are not zero.
struct DecisionCounts: Sendable {
  /// Cell `truth · K + prediction` and samples in it, in order.
  let cells: [(cell: Int32, count: Int)]
  let undecided: Int

  /// From the cell of each sample; -1 is a sample without a prediction.
  init(cellsOfSamples samples: [Int32]) {
    let counts = samples.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    undecided = counts[-1] ?? 0
    cells = counts.filter { $0.key >= 0 }.map { (cell: $0.key, count: $0.value) }
      .sorted { $0.cell < $1.cell }
  }

  /// From the counts of all K · K cells, `[truth, prediction]`.
  init(counts: [Int], undecided: Int) {
    self.undecided = undecided
    cells = counts.enumerated().filter { $0.element > 0 }
      .map { (cell: Int32($0.offset), count: $0.element) }
  }
}
