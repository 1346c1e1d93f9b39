internal import Tasks
internal import Recipes

/// What a comparison shows and does not show, in sentences made from its numbers alone.
///
/// A difference counts as decided where its paired interval excludes zero, and as decided for an arm
/// only when it is so on every seed. Two arms count as equal in accuracy where the whole interval
/// stays within `equivalence` of the second's value on every seed.
struct Conclusions {
  /// Share of a value within which two arms are called about the same.
  static let equivalence = 0.15

  let pool: Comparison.Pool

  var sentences: [String] {
    [steps] + startingPoints + pairs.flatMap(about) + others + baselines + cost + ends
      + [seeds, choice]
  }

  private var runs: [Comparison.ChosenRun] { pool.arms.flatMap(\.runs) }

  /// All pairs of a few arms; of many, each with the one that trains most parameters.
  private var pairs: [(first: Comparison.Arm, second: Comparison.Arm)] {
    guard isSmall else { return pool.arms.dropLast().map { ($0, pool.arms[pool.arms.count - 1]) } }
    return pool.arms.indices.flatMap { index in
      pool.arms[(index + 1)...].map { (pool.arms[index], $0) }
    }
  }

  private var isSmall: Bool { pool.arms.count <= 4 }

  // MARK: What was equal

  private var steps: String {
    let counts = Set(runs.map(\.document.record.steps))
    if counts.count == 1, let count = counts.first {
      return
        "All arms are compared at equal adaptation steps (\(Numbers.count(count)) each); what was "
        + "spent before adaptation, and the time of a step, are not made equal."
    }
    let list = pool.arms.map { arm in
      let steps = Set(arm.runs.map(\.document.record.steps)).sorted().map(Numbers.count)
      return "\(arm.name) \(steps.joined(separator: "/"))"
    }
    return
      "The arms did not take equally many adaptation steps (\(list.joined(separator: ", "))), so "
      + "differences mix the method with the length of training."
  }

  /// Arms that start from weights beside arms that do not.
  private var startingPoints: [String] {
    func hasWeights(_ arm: Comparison.Arm) -> Bool {
      arm.runs.allSatisfy { $0.document.record.model.weights != nil }
    }
    let pretrained = pool.arms.filter(hasWeights).map(\.name)
    let random = pool.arms.filter { !hasWeights($0) }.map(\.name)
    guard !pretrained.isEmpty, !random.isEmpty else { return [] }
    return [
      "\(Self.list(pretrained)) started from trained weights, \(Self.list(random)) from random "
        + "ones: the steps that made those weights are not counted, and longer training of "
        + "\(Self.list(random)) can narrow the gap."
    ]
  }

  // MARK: Pairs

  private func about(_ first: Comparison.Arm, _ second: Comparison.Arm) -> [String] {
    var outcomes: [Outcome] = []
    var sentences: [String] = []
    for metric in pool.metrics {
      let found = pool.differences.filter {
        $0.metric == metric && $0.first == first.name && $0.second == second.name
      }
      guard !found.isEmpty else { continue }
      let outcome = Outcome(found)
      outcomes.append(outcome)
      sentences.append(sentence(outcome, found, first, second))
    }
    if outcomes.count == 2, outcomes[0].isForOneArm, outcomes[1] != outcomes[0] {
      sentences.append(
        "What holds between \(first.name) and \(second.name) for one step does not carry over to "
          + "rollouts.")
    }
    return sentences
  }

  private func sentence(
    _ outcome: Outcome, _ found: [PairedDifference], _ first: Comparison.Arm,
    _ second: Comparison.Arm
  ) -> String {
    let metric = found[0].metric
    let place = metric.hasSuffix("_rollout") ? "In rollouts" : accuracyPlace
    let numbers =
      found.count == 1
      ? "difference \(Self.text(found[0]))"
      : "differences " + found.map { "\(Self.text($0)) (seed \($0.seed))" }.joined(separator: ", ")
    let onSeeds = found.count == 1 ? "" : " on all \(found.count) seeds"
    let cost = metric.hasSuffix("_rollout") ? "" : parameterShare(first, second)
    switch outcome {
    case .same:
      return "\(place), \(first.name) reaches about the same \(metric) as \(second.name)"
        + "\(cost): \(numbers), \(found.count == 1 ? "the interval" : "every interval") within \(Numbers.percent(Self.equivalence)) of "
        + "\(second.name)'s value\(direction(found))."
    case .firstIsBetter, .secondIsBetter:
      let (better, worse) =
        outcome == .firstIsBetter ? (first.name, second.name) : (second.name, first.name)
      return "\(place), \(better) has a \(found[0].lowerIsBetter ? "lower" : "higher") \(metric) "
        + "than \(worse)\(outcome == .firstIsBetter ? cost : "")\(onSeeds): \(numbers)\(found.count == 1 ? ", the interval excludes 0" : ", all intervals exclude 0")."
    case .signChanges:
      return "\(place), neither \(first.name)\(cost) nor \(second.name) is better: the sign of "
        + "the difference in \(metric) changes with the seed (\(numbers))."
    case .undecided:
      let decided = found.filter { $0.verdict != .undecided }.count
      let reason =
        found.count == 1
        ? "the interval includes 0"
        : "the interval excludes 0 on \(decided) of \(found.count) seeds"
      return "\(place), the comparison of \(first.name) and \(second.name) is not decided: "
        + "\(reason) (\(metric), \(numbers))."
    }
  }

  /// Where a rollout metric stands beside it, the headline is the one-step metric.
  private var accuracyPlace: String { pool.metrics.count > 1 ? "For one step" : "On the test data" }

  /// Says what equal accuracy cost, where the first arm trained clearly fewer parameters.
  private func parameterShare(_ first: Comparison.Arm, _ second: Comparison.Arm) -> String {
    let share = Double(first.trainedParameters) / Double(max(1, second.trainedParameters))
    guard share < 0.9 else { return "" }
    guard let own = first.reachedParameters, let other = second.reachedParameters,
      other < second.trainedParameters
    else { return " with \(Numbers.percent(share)) of its trained parameters" }
    return
      " with \(Numbers.percent(Double(own) / Double(max(1, other)))) of its trained parameters, "
      + "counting those that a gradient reached on this data (\(Numbers.count(own)) of "
      + "\(Numbers.count(other)); by name \(Numbers.percent(share)))"
  }

  /// A remark on decided differences inside the range that is called the same.
  private func direction(_ found: [PairedDifference]) -> String {
    let verdicts = Set(found.map(\.verdict)).subtracting([.undecided])
    if verdicts.count == 2 { return "; the sign changes with the seed" }
    if found.count > 1, found.allSatisfy({ $0.verdict == found[0].verdict }),
      let verdict = verdicts.first
    {
      let better = verdict == .firstIsBetter ? found[0].first : found[0].second
      return "; \(better) is the better one, by that little, on all \(found.count) seeds"
    }
    if found.count == 1, !verdicts.isEmpty {
      return "; with one seed the sign of so small a difference says little"
    }
    return ""
  }

  private var others: [String] {
    isSmall ? [] : ["Pairs that are not named here stand in the table of paired differences."]
  }

  // MARK: What to hold it against

  private var baselines: [String] {
    pool.metrics.flatMap { metric in
      pool.arms.compactMap { arm -> String? in
        let losing = arm.runs.filter { run in
          guard let own = run.evaluation.metric(metric),
            let trivial = run.evaluation.baselineMetric(metric)
          else { return false }
          return own.lowerIsBetter ? own.value >= trivial.value : own.value <= trivial.value
        }
        guard !losing.isEmpty else { return nil }
        let seeds = losing.map { String($0.seed) }.joined(separator: ", ")
        return "\(arm.name) is no better than the trivial baseline "
          + "(\(losing[0].evaluation.baselineName)) in \(metric) on seed \(seeds)."
      }
    }
  }

  /// Fewer trained parameters need not mean less time.
  private var cost: [String] {
    func secondsPerStep(_ arm: Comparison.Arm) -> Double {
      Numbers.mean(
        arm.runs.map { $0.document.record.trainSeconds / Double(max(1, $0.document.record.steps)) })
    }
    return pool.arms.compactMap { first in
      let own = secondsPerStep(first)
      let cheaper = pairs.filter { $0.first.name == first.name }.map(\.second).filter { second in
        first.trainedParameters < second.trainedParameters && own > 0
          && own >= 0.95 * secondsPerStep(second) && secondsPerStep(second) > 0
      }
      guard !cheaper.isEmpty else { return nil }
      let list = cheaper.map { "\($0.name) \(Numbers.significant(secondsPerStep($0) * 1000)) ms" }
      return "Fewer trained parameters did not mean faster steps here: \(first.name) took "
        + "\(Numbers.significant(own * 1000)) ms per step, \(Self.list(list))."
    }
  }

  /// A chosen number at the end of those offered.
  private var ends: [String] {
    pool.arms.flatMap { arm -> [String] in
      var seedsByKey: [String: [Int]] = [:]
      for run in arm.runs {
        for key in SettingEnds.keys(of: run) { seedsByKey[key, default: []].append(run.seed) }
      }
      return seedsByKey.sorted { $0.key < $1.key }.map { key, seeds in
        "\(arm.name): the chosen \(key) is at an end of the values offered (seed "
          + "\(seeds.map(String.init).joined(separator: ", "))); a better one may lie beyond."
      }
    }
  }

  private var seeds: String {
    pool.seeds.count == 1
      ? "One seed was run: the intervals tell how results vary over test units, not over seeds."
      : "Intervals tell how results vary over the test units of one seed; the spread over "
        + "\(pool.seeds.count) seeds stands beside them."
  }

  private var choice: String {
    runs.contains { $0.candidates.count > 1 }
      ? "Settings and checkpoints were chosen by validation values; test values played no part."
      : "Checkpoints were chosen by validation values; test values played no part."
  }

  private static func text(_ difference: PairedDifference) -> String {
    Numbers.estimate(
      difference.mean, difference.interval?.lower, difference.interval?.upper)
  }

  private static func list(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}

/// What the seeds of one pair and metric say together.
private enum Outcome: Equatable {
  case same, firstIsBetter, secondIsBetter, signChanges, undecided

  init(_ found: [PairedDifference]) {
    let verdicts = Set(found.map(\.verdict))
    if found.allSatisfy({ $0.isWithin(Conclusions.equivalence) }) {
      self = .same
    } else if verdicts == [.firstIsBetter] {
      self = .firstIsBetter
    } else if verdicts == [.secondIsBetter] {
      self = .secondIsBetter
    } else if verdicts.isSuperset(of: [.firstIsBetter, .secondIsBetter]) {
      self = .signChanges
    } else {
      self = .undecided
    }
  }

  var isForOneArm: Bool { self == .firstIsBetter || self == .secondIsBetter }
}
