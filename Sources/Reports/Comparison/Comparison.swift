internal import Recipes

/// Several finished runs sorted into arms: what is compared with what, chosen by validation alone.
struct Comparison {
  /// Those with the fewest trained parameters first, pretrained ones before others.
  let arms: [Arm]
  /// Arms whose numbers may stand in one ranking; experimental ones are in none.
  let pools: [Pool]
  /// What the reader should know about how the runs were sorted.
  let notes: [String]

  /// Runs of one name, one for each seed.
  struct Arm {
    let name: String
    let runs: [ChosenRun]

    var isExperimental: Bool { runs.contains { $0.document.record.experimental } }
    var trainedParameters: Int { runs[0].document.record.model.trainableParameters }
    /// Trained values that the data could move, where known.
    var reachedParameters: Int? { runs[0].document.record.model.reachedParameters }
    var seeds: [Int] { runs.map(\.seed) }
    func run(seed: Int) -> ChosenRun? { runs.first { $0.seed == seed } }
  }

  /// The run of an arm and a seed with the best validation value, and those it was chosen from.
  struct ChosenRun {
    let document: RunDocument
    let evaluation: RunRecord.Evaluation
    let candidates: [Candidate]

    var seed: Int { document.record.seed }
  }

  struct Candidate {
    let document: RunDocument
    /// Best validation value of the monitored metric with its step; nil when none is finite.
    let best: (value: Double, step: Int)?
    let isChosen: Bool
  }

  struct Pool {
    let arms: [Arm]
    /// Headline metric, which all arms share.
    let headline: String
    /// The headline, and its form over rollouts where any arm has it.
    let metrics: [String]
    let seeds: [Int]
    let differences: [PairedDifference]

    init(arms: [Arm]) {
      let headline = arms[0].runs[0].evaluation.headline
      let names = Set(arms.flatMap(\.runs).flatMap(\.evaluation.leadingMetrics))
      self.arms = arms
      self.headline = headline
      metrics = [headline, "\(headline)_rollout"].filter(names.contains)
      seeds = Set(arms.flatMap(\.seeds)).sorted()
      differences = PairedDifference.all(of: arms, metrics: metrics, seeds: seeds)
    }
  }

  init(_ documents: [RunDocument]) throws(ReportError) {
    guard !documents.isEmpty else { throw .nothingToCompare }
    var notes: [String] = []
    var seen: Set<String> = []
    var distinct: [RunDocument] = []
    for document in documents {
      if let problem = document.recipeProblem { throw problem }
      let record = document.record
      if seen.insert("\(record.name) \(record.digest) \(record.seed)").inserted {
        distinct.append(document)
      } else {
        notes.append(
          "\(document.directory) repeats a run of the same name, recipe digest and seed; "
            + "only the first is used.")
      }
    }
    var arms: [Arm] = []
    for (name, members) in Self.named(distinct) {
      arms.append(try Self.arm(name, members))
    }
    self.arms = arms.sorted(by: Self.precedes)
    self.notes = notes
    pools = Self.pools(of: self.arms)
  }

  /// Runs by name; a name whose runs of one seed saw different test data becomes several.
  private static func named(_ documents: [RunDocument]) -> [(name: String, runs: [RunDocument])] {
    let byName = Dictionary(grouping: documents, by: \.record.name)
    return byName.sorted { $0.key < $1.key }.flatMap { name, runs in
      let hasOneTestPerSeed = Dictionary(grouping: runs, by: \.record.seed).values.allSatisfy {
        Set($0.map(\.record.data.testDigest)).count == 1
      }
      guard !hasOneTestPerSeed else { return [(name, runs)] }
      return Dictionary(grouping: runs, by: \.record.data.testDigest).sorted { $0.key < $1.key }
        .map { ("\(name) (test data \($0.key.prefix(8)))", $0.value) }
    }
  }

  private static func arm(_ name: String, _ runs: [RunDocument]) throws(ReportError) -> Arm {
    var chosen: [ChosenRun] = []
    let bySeed = Dictionary(grouping: runs, by: \.record.seed).sorted { $0.key < $1.key }
    for (_, group) in bySeed { chosen.append(try choose(name, group)) }
    return Arm(name: name, runs: chosen)
  }

  /// The run with the best validation value; a single run needs no choice.
  private static func choose(
    _ name: String, _ group: [RunDocument]
  ) throws(ReportError) -> ChosenRun {
    let seed = group[0].record.seed
    let monitors = Set(group.compactMap { $0.monitored?.name }).sorted()
    guard monitors.count <= 1 else {
      throw .monitorsDiffer(run: name, seed: seed, metrics: monitors)
    }
    let lowerIsBetter = group[0].monitored?.lowerIsBetter ?? true
    let values = group.map(\.bestMonitored)
    let worst = lowerIsBetter ? Double.infinity : -Double.infinity
    let ranked = group.indices.sorted { first, second in
      let (a, b) = (values[first]?.value ?? worst, values[second]?.value ?? worst)
      return a == b ? first < second : lowerIsBetter ? a < b : a > b
    }
    let best = ranked[0]
    guard group.count == 1 || values[best] != nil else {
      throw .noMonitoredValue(
        run: name, seed: seed, metric: monitors.first ?? "train.monitor",
        directories: group.map(\.directory))
    }
    guard let evaluation = group[best].mainEvaluation else {
      throw .noEvaluation(directory: group[best].directory)
    }
    return ChosenRun(
      document: group[best], evaluation: evaluation,
      candidates: group.indices.map {
        Candidate(document: group[$0], best: values[$0], isChosen: $0 == best)
      })
  }

  private static func precedes(_ first: Arm, _ second: Arm) -> Bool {
    func key(_ arm: Arm) -> (Int, Int, String) {
      let hasWeights = arm.runs[0].document.record.model.weights != nil
      return (arm.trainedParameters, hasWeights ? 0 : 1, arm.name)
    }
    return key(first) < key(second)
  }

  /// Puts each arm into the first pool whose every arm was tested as it was.
  private static func pools(of arms: [Arm]) -> [Pool] {
    var groups: [[Arm]] = []
    for arm in arms where !arm.isExperimental {
      if let index = groups.firstIndex(where: { $0.allSatisfy { isComparable($0, arm) } }) {
        groups[index].append(arm)
      } else {
        groups.append([arm])
      }
    }
    return groups.map(Pool.init)
  }

  /// Whether two arms were tested on the same data by the same metric: for each seed they share, or
  /// for all seeds where they share none.
  static func isComparable(_ first: Arm, _ second: Arm) -> Bool {
    func tests(_ arm: Arm) -> [Int: String] {
      Dictionary(
        uniqueKeysWithValues: arm.runs.map { run in
          (run.seed, "\(run.document.record.data.testDigest) \(run.evaluation.split)")
        })
    }
    guard Set((first.runs + second.runs).map(\.evaluation.headline)).count == 1 else {
      return false
    }
    let (one, other) = (tests(first), tests(second))
    let shared = Set(one.keys).intersection(other.keys)
    return shared.isEmpty
      ? Set(one.values).union(other.values).count == 1
      : shared.allSatisfy { one[$0] == other[$0] }
  }
}
