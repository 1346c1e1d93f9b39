internal import Recipes

extension RunSection {
  /// How training went, step by step and evaluation by evaluation.
  static let curves = RunSection(title: "Training") { run in
    var blocks: [Block] = []
    if !run.steps.isEmpty {
      blocks += [
        stepCurve(run, "loss", "Training loss", \.loss),
        stepCurve(run, "learning-rate", "Learning rate", \.learningRate),
        stepCurve(run, "gradient-norm", "Gradient norm", \.gradientNorm),
      ]
    }
    let curves = metricNames(run).map { evaluationCurve(run, $0) }
    blocks += curves.prefix(3)
    if curves.count > 3 {
      blocks.append(
        .details(summary: "Further validation curves", blocks: Array(curves.dropFirst(3))))
    }
    return blocks
  }

  private static func stepCurve(
    _ run: RunDocument, _ name: String, _ title: String, _ value: KeyPath<StepEvent, Double>
  ) -> Block {
    let points = run.steps.map { Chart.Point(Double($0.step), $0[keyPath: value]) }
    let finite = points.map(\.y).filter(\.isFinite)
    let missing = points.count - finite.count
    var words = "\(title) over \(Numbers.count(points.count)) steps"
    if let first = finite.first, let last = finite.last {
      words += ", from \(Numbers.significant(first)) to \(Numbers.significant(last))"
    }
    if missing > 0 {
      words += "; \(Numbers.count(missing)) values that are not finite are left out"
    }
    let isRate = value == \StepEvent.learningRate
    let chart = Chart(
      x: "step", y: title, isRate ? .linear : nil,
      series: [Chart.Series(name: title, points: points)])
    return .figure(
      Figure(
        name: name, svg: chart.svg(alternative: words), alternative: words, caption: words + "."))
  }

  /// The monitored metric first, then the headline, then the others by name.
  private static func metricNames(_ run: RunDocument) -> [String] {
    let names = Set(run.evaluations.flatMap(\.metrics.keys))
    let first = [run.monitored?.name, run.mainEvaluation.map { "val/\($0.headline)" }]
      .compactMap { $0 }.filter(names.contains)
    var seen: Set<String> = []
    return (first + names.sorted()).filter { seen.insert($0).inserted }
  }

  private static func evaluationCurve(_ run: RunDocument, _ name: String) -> Block {
    let points = run.evaluations.compactMap { event in
      event.metrics[name].map { Chart.Point(Double(event.step), $0) }
    }
    var words = "\(name) at \(Numbers.count(points.count)) evaluations"
    if run.monitored?.name == name, let best = run.bestMonitored {
      words += "; best \(Numbers.significant(best.value)) at step \(Numbers.count(best.step))"
    }
    let chart = Chart(x: "step", y: name, series: [Chart.Series(name: name, points: points)])
    let file = "validation-" + name.map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
    return .figure(
      Figure(
        name: file, svg: chart.svg(alternative: words), alternative: words, caption: words + "."))
  }
}
