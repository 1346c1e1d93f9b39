/// How often each class was predicted for each true class: counts `[truth, prediction]`, K × K.
package struct ConfusionMatrix: Sendable, Equatable {
  package let classes: Int
  /// Row-major, `[truth, prediction]`.
  package private(set) var counts: [Int]
  /// Samples of each true class, `[class]`.
  package private(set) var truthTotals: [Int]
  /// Samples that were given each class, `[class]`.
  package private(set) var predictionTotals: [Int]
  /// Samples whose prediction was not a number; they stand in none of the counts, and a metric of
  /// a matrix that has any is not a number.
  package private(set) var undecided: Int

  package init(classes: Int) {
    self.init(classes: classes, counts: [Int](repeating: 0, count: classes * classes))
  }

  /// - Parameters:
  ///   - classes: K.
  ///   - counts: K · K of them, `[truth, prediction]`.
  ///   - undecided: samples without a prediction.
  package init(classes: Int, counts: [Int], undecided: Int = 0) {
    precondition(
      classes > 0 && counts.count == classes * classes,
      "\(counts.count) counts for a matrix of \(classes) classes")
    self.classes = classes
    self.counts = counts
    self.undecided = undecided
    truthTotals = [Int](repeating: 0, count: classes)
    predictionTotals = truthTotals
    for truth in 0..<classes {
      for prediction in 0..<classes {
        let count = counts[truth * classes + prediction]
        truthTotals[truth] += count
        predictionTotals[prediction] += count
      }
    }
  }

  /// Samples with a prediction.
  package var total: Int { truthTotals.reduce(0, +) }

  package subscript(truth truth: Int, prediction prediction: Int) -> Int {
    counts[truth * classes + prediction]
  }

  /// Counts samples of one true class that were given one class; both in 0..<K.
  package mutating func add(truth: Int, prediction: Int, count: Int = 1) {
    precondition(
      (0..<classes).contains(truth) && (0..<classes).contains(prediction) && count >= 0,
      "\(count) samples of class \(truth) predicted \(prediction), of \(classes) classes")
    counts[truth * classes + prediction] += count
    truthTotals[truth] += count
    predictionTotals[prediction] += count
  }

  /// Counts samples whose prediction was not a number.
  package mutating func addUndecided(count: Int = 1) { undecided += count }

  package mutating func merge(_ other: ConfusionMatrix) {
    precondition(
      other.classes == classes,
      "merging matrices of \(classes) and \(other.classes) classes")
    for cell in counts.indices { counts[cell] += other.counts[cell] }
    for index in 0..<classes {
      truthTotals[index] += other.truthTotals[index]
      predictionTotals[index] += other.predictionTotals[index]
    }
    undecided += other.undecided
  }

  package var classCounts: ClassCounts {
    ClassCounts(
      truePositives: (0..<classes).map { counts[$0 * (classes + 1)] }, actual: truthTotals,
      predicted: predictionTotals)
  }
}

/// As `{"counts": [[…]], "undecided": 0}`, one row per true class.
extension ConfusionMatrix: Codable {
  private enum CodingKeys: CodingKey { case counts, undecided }

  package init(from decoder: any Swift.Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let rows = try container.decode([[Int]].self, forKey: .counts)
    guard !rows.isEmpty, rows.allSatisfy({ $0.count == rows.count && $0.allSatisfy { $0 >= 0 } })
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .counts, in: container,
        debugDescription: "a confusion matrix is square and holds no negative count; this one has "
          + "\(rows.count) rows of \(Set(rows.map(\.count)).sorted()) counts")
    }
    self.init(
      classes: rows.count, counts: rows.flatMap { $0 },
      undecided: try container.decode(Int.self, forKey: .undecided))
  }

  package func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(
      (0..<classes).map { Array(counts[$0 * classes..<($0 + 1) * classes]) }, forKey: .counts)
    try container.encode(undecided, forKey: .undecided)
  }
}
