/// Why two runs part, from what differs at the first step and beside it.
extension RunDifference {
  /// The likely cause with its sentence; no cause for equal runs.
  ///
  /// Looked for in this order: starting values, order of the batches, content of the data, recipe,
  /// environment. What differs without a step that does is listed, not blamed.
  func explained() -> (Cause?, String) {
    guard let step else {
      guard values.isEmpty else { return (.startingValues, startingSentence) }
      return (
        nil,
        comparedSteps == 0
          ? "Neither starting values nor steps differ, and no step was compared."
          : "All \(comparedSteps) steps that both runs have are equal, bit for bit."
      )
    }
    if !values.isEmpty { return (.startingValues, startingSentence) }
    let names = Set(step.differing.map(\.name))
    let place = "at step \(step.step)"
    if names.contains("batch") {
      let fields = named(fields.filter { $0.isOfData || $0.name == "seed" })
      let reason = fields ?? files(added: true) ?? "nothing recorded says why"
      return (.batchOrder, "Other samples, or in another order, \(place): \(reason).")
    }
    if !data.isEmpty, let files = files(added: false) {
      return (
        .dataContent, "The same samples hold other values (\(names.listed) \(place)): \(files)."
      )
    }
    let relevant = fields.filter { !$0.isOfSpeed }
    if let fields = named(relevant) {
      return (.recipe, "The recipes differ (\(names.listed) \(place)): \(fields).")
    }
    let threads = environment.filter { !$0.isPlace }
    if let facts = named(threads) ?? named(environment) {
      return (
        .environment,
        "Recipe, data and order are equal, the machine is not (\(names.listed) \(place), "
          + "\(magnitude(step))): \(facts)."
      )
    }
    let resumes = named(resumed).map { "; \($0)" } ?? ""
    return (
      .unknown,
      "Nothing that was recorded explains \(names.listed) \(place)"
        + (isDeterministic ? resumes : ": train.deterministic is false") + "."
    )
  }

  private var isDeterministic: Bool { !fields.contains { $0.name == "train.deterministic" } }

  /// The starting values with what they come from.
  private var startingSentence: String {
    if let weights = values.first(where: { $0.name == "weights" }) {
      return "The starting values differ: weights \(weights.first.prefix(12)) against "
        + "\(weights.second.prefix(12))."
    }
    let sources = fields.filter { field in
      field.name == "seed" || field.name.hasPrefix("model.") || field.name.hasPrefix("adapter")
    }
    let reason =
      named(sources) ?? files(added: false).map { "initial values that look at data: \($0)" }
    return "The starting values differ: \(reason ?? "nothing recorded says why")."
  }

  /// How far apart the first differing numbers are.
  private func magnitude(_ step: Step) -> String {
    let ratios = step.differing.compactMap { pair -> Double? in
      guard let a = Double(pair.first), let b = Double(pair.second) else { return nil }
      return abs(a - b) / max(abs(a), abs(b), .leastNormalMagnitude)
    }
    let largest = ratios.max() ?? 0
    return "relative difference \(largest < 1e-5 ? "below 1e-5, rounding" : "\(Float(largest))")"
  }

  private func named(_ pairs: [Pair]) -> String? {
    guard !pairs.isEmpty else { return nil }
    let shown = pairs.prefix(4).map { "\($0.name) \($0.first) against \($0.second)" }
    let rest = pairs.count > 4 ? ", and \(pairs.count - 4) more" : ""
    return shown.joined(separator: ", ") + rest
  }

  /// Files that differ; nil where none does (with `added`, none that only one run has).
  private func files(added: Bool) -> String? {
    let lone = data.filter { $0.first == "absent" || $0.second == "absent" }
    let some = added ? lone : data
    guard let file = some.first else { return nil }
    let what = lone.isEmpty || !added ? "changed" : "in one run only"
    return some.count == 1
      ? "\(file.name) \(what)" : "\(file.name) and \(some.count - 1) more \(what)"
  }
}

extension RunDifference.Pair {
  fileprivate var isOfData: Bool {
    name.hasPrefix("data.") || name == "train.gradient_accumulation_steps"
  }

  /// Fields that change how fast a run is, or how much it says.
  fileprivate var isOfSpeed: Bool {
    let fields = [
      "data.num_workers", "data.cache", "train.log_every", "train.save_every",
      "train.save_total_limit", "train.resume", "distributed.threads",
    ]
    return fields.contains(name) || name.hasPrefix("distributed.slurm")
  }

  /// The name of a machine says nothing of its results.
  fileprivate var isPlace: Bool { name == "host" }
}

extension Set<String> {
  /// In the order of a step's line.
  fileprivate var listed: String {
    ["batch", "loss", "grad_norm", "lr"].filter(contains).joined(separator: ", ")
  }
}

// MARK: Text

extension RunDifference {
  /// Everything that differs, for people.
  package var text: String {
    var lines = ["first   \(first)", "second  \(second)", "", sentence]
    if let step {
      lines.append("\nfirst differing step: \(step.step) of \(comparedSteps) compared")
      lines += step.differing.map { "  \($0.name): \($0.first) | \($0.second)" }
    }
    for (heading, pairs) in [
      ("values", values), ("recipe", fields), ("data", data), ("environment", environment),
      ("resumed", resumed),
    ] where !pairs.isEmpty {
      lines.append("\n\(heading)")
      lines += pairs.map { "  \($0.name): \($0.first) | \($0.second)" }
    }
    return lines.joined(separator: "\n")
  }
}
