internal import Recipes
internal import Tasks

extension RunSection {
  /// What counting the pixels of the map makes of the areas of the classes, on the evaluated part.
  static let classAreas = RunSection(title: "Areas of the classes") { run in
    guard [Segmentation.name, PixelClassification.name].contains(run.record.task),
      let evaluation = run.mainEvaluation, let names = evaluation.classNames,
      let areas = CountedAreas(evaluation), areas.total > 0
    else { return [] }
    let resamples = run.settings["eval.bootstrap"].flatMap(Int.init) ?? 1000
    let bootstrap = Bootstrap(
      resamples: resamples > 0 ? resamples : 1000,
      seed: UInt64(bitPattern: Int64(run.record.seed)))
    let units = evaluation.unitName(in: run.record)
    return [
      .table(
        Table(
          "Areas on part \(evaluation.split) (\(Numbers.count(areas.total)) pixels)",
          columns: [
            .text("class"), .number("true share"), .number("mapped share"),
            .number("mapped − true (% points)"),
          ],
          rows: names.indices.map { index in
            let bias = areas.bias(of: index, bootstrap)
            return Table.Row([
              names[index], Numbers.percent(areas.trueShare(index)),
              Numbers.percent(areas.mappedShare(index)),
              Numbers.estimate(
                100 * bias.value, bias.interval.map { 100 * $0.lower },
                bias.interval.map { 100 * $0.upper }),
            ])
          },
          note:
            "In brackets: 95 % interval of the difference over resampled \(units). A class whose "
            + "interval excludes 0 is mapped too large or too small, so its area must not be counted "
            + "from the map; attune predict corrects areas by a sample of reference points."))
    ]
  }
}

/// Pixels by true and by mapped class in every unit of an evaluation.
struct CountedAreas {
  /// Decided pixels of each unit, `[unit]`.
  private let totals: [Int]
  /// `[class][unit]`.
  private var truths: [[Int]]
  private var predictions: [[Int]]

  /// Nil where the record does not hold the decisions of its units.
  init?(_ evaluation: RunRecord.Evaluation) {
    guard let rows = evaluation.unitDecisions, let classes = evaluation.classNames?.count,
      classes > 0, !rows.isEmpty
    else { return nil }
    truths = [[Int]](repeating: [Int](repeating: 0, count: rows.count), count: classes)
    predictions = truths
    var totals = [Int](repeating: 0, count: rows.count)
    for (unit, row) in rows.enumerated() {
      guard row.count.isMultiple(of: 2) else { return nil }
      for place in stride(from: 0, to: row.count, by: 2) where row[place] >= 0 {
        let (truth, prediction) = row[place].quotientAndRemainder(dividingBy: classes)
        guard truth < classes else { return nil }
        truths[truth][unit] += row[place + 1]
        predictions[prediction][unit] += row[place + 1]
        totals[unit] += row[place + 1]
      }
    }
    self.totals = totals
  }

  var total: Int { totals.reduce(0, +) }

  func trueShare(_ index: Int) -> Double { share(truths[index]) }
  func mappedShare(_ index: Int) -> Double { share(predictions[index]) }

  private func share(_ counts: [Int]) -> Double { Double(counts.reduce(0, +)) / Double(total) }

  /// Mapped minus true share with its interval over resampled units.
  ///
  /// The share is a ratio of sums over units of unequal size, R = Σ d_u / Σ t_u; its interval is that of
  /// the mean of R + (d_u − R t_u) / t̄, the linearized ratio estimator (Cochran 1977, section 6.3).
  func bias(
    of index: Int, _ bootstrap: Bootstrap
  ) -> (value: Double, interval: ConfidenceInterval?) {
    let ratio = mappedShare(index) - trueShare(index)
    let mean = Double(total) / Double(totals.count)
    let parts = totals.indices.map { unit in
      let difference = Double(predictions[index][unit] - truths[index][unit])
      return ratio + (difference - ratio * Double(totals[unit])) / mean
    }
    return (ratio, bootstrap.interval(ofMean: parts))
  }
}
