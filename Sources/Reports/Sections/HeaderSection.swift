internal import Recipes

extension RunSection {
  /// What was run, on what, at what cost, and how it ended in one sentence.
  static let header = RunSection(title: "Summary") { run in
    let record = run.record
    var blocks: [Block] = []
    if let sentence = headline(run) { blocks.append(.paragraph(sentence)) }
    if record.experimental {
      blocks.append(
        .warning(
          "Experimental: the formula of some part of this run is not verified against its source. "
            + "It is left out of rankings."))
    }
    if let problem = run.recipeProblem { blocks.append(.warning(problem.description)) }
    blocks.append(.keyValues(facts(record)))
    blocks.append(.heading("Repeat this run"))
    blocks.append(.code(record.command))
    blocks.append(.details(summary: "Resolved recipe", blocks: [.code(record.recipe)]))
    return blocks
  }

  private static func headline(_ run: RunDocument) -> String? {
    guard let evaluation = run.mainEvaluation,
      let metric = evaluation.metric(evaluation.headline)
    else { return nil }
    let value = Numbers.estimate(metric.value, metric.ciLower, metric.ciUpper)
    let units = "\(Numbers.count(metric.count)) \(evaluation.unitName(in: run.record))"
    var text = "\(evaluation.headline) on the \(evaluation.split) part: \(value)"
    if !metric.unit.isEmpty { text += " \(metric.unit)" }
    text += " over \(units)"
    if metric.ciLower != nil { text += " (95 % interval in brackets)" }
    if let trivial = evaluation.baselineMetric(evaluation.headline) {
      text +=
        "; the trivial baseline, \(evaluation.baselineName), has "
        + Numbers.estimate(trivial.value, trivial.ciLower, trivial.ciUpper)
    }
    return text + ". \(metric.lowerIsBetter ? "Lower" : "Higher") is better."
  }

  private static func facts(_ record: RunRecord) -> [KeyValue] {
    let environment = record.environment
    let model = record.model
    var facts = [
      KeyValue("Name", record.name),
      KeyValue("Seed", String(record.seed)),
      KeyValue("Digest", record.digest),
      KeyValue("Task", record.task),
      KeyValue("Backbone", model.backbone),
      KeyValue(
        "Trained parameters",
        "\(Numbers.count(model.trainableParameters)) of \(Numbers.count(model.totalParameters)) "
          + "(\(Numbers.percent(record.trainedShare)))"
          + (model.reachedParameters.map {
            "; a gradient reached \(Numbers.count($0)) of them on this data"
          } ?? "")),
    ]
    if record.adapterBytes > 0 {
      facts.append(KeyValue("Adapter file", Numbers.bytes(record.adapterBytes)))
    }
    facts += [
      KeyValue("Steps", Numbers.count(record.steps)),
      KeyValue(
        "Time",
        "\(Numbers.duration(record.wallSeconds)) in all, \(Numbers.duration(record.trainSeconds)) "
          + "in training steps"),
    ]
    if record.steps > 0, record.trainSeconds > 0 {
      let rate = Double(record.steps) / record.trainSeconds
      facts.append(KeyValue("Speed", "\(Numbers.significant(rate)) steps per second"))
    }
    facts += [
      KeyValue("Peak memory", Numbers.bytes(record.peakMemoryBytes)),
      KeyValue("Started", record.startedAt),
      KeyValue("Finished", record.finishedAt),
      KeyValue("Program", record.program),
      KeyValue("Host", "\(environment.host), \(environment.system)"),
      KeyValue(
        "Processor",
        "\(environment.processor), \(environment.instructionSet), \(environment.threads) "
          + (environment.threads == 1 ? "thread" : "threads")),
      KeyValue(
        "Libraries",
        environment.libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
          .joined(separator: ", ")),
    ]
    return facts.filter { !$0.value.isEmpty }
  }
}
