import Adapters
import Backbones
import Checkpoints
import Datasets
import Foundation
import Layers
import Recipes
import Tasks
import Tensors
import Training

/// A recipe made into objects: model with weights, data, digest.
///
/// Nothing is written yet.
struct RunSession {
  let plan: RunPlan
  let model: AssembledModel
  private(set) var data: PreparedData
  let task: any TaskRun
  /// SHA-256 over the resolved recipe and the content of all inputs.
  let digest: String
  let team: Team
  private let digests: FileDigestCache
  private let statistics: KeptStatistics?

  var threads: Int { team.threads }
  var recipe: Recipe { plan.recipe }
  var directory: RunDirectory { RunDirectory(recipe: recipe, digest: digest) }

  /// Opens data and weights and checks that they fit each other.
  ///
  /// `threads` holds where the recipe does not say; nil is all of the machine. With `keepsFindings`
  /// decompositions of weights and statistics of data are kept below the output folder. `ranks` each
  /// make the same session.
  init(
    _ plan: RunPlan, threads: Int? = nil, keepsFindings: Bool = false,
    ranks: any Communicator = SingleRank()
  ) throws {
    self.plan = plan
    team = Team(
      threads: plan.recipe.distributed.threads ?? threads
        ?? ProcessInfo.processInfo.activeProcessorCount, ranks: ranks)
    let digests = FileDigestCache(file: Self.digestFile(plan.recipe))
    self.digests = digests
    statistics = keepsFindings ? try Self.keptStatistics(plan, digests) : nil
    let data = try PreparedData(
      plan.data, seed: plan.recipe.seed, digests: digests, keeping: statistics)
    self.data = data
    let shapes = data.inputShapes
    let roots = Self.roots(plan, data)
    let count = team.threads
    var model = try plan.model.assemble(
      for: plan.dataShape(shapes), outputs: plan.outputs(data.target()),
      inputs: shapes.first?.keys.sorted(), bands: data.bands,
      ranks: try Self.foundRanks(plan, roots, digests), digests: digests,
      factors: keepsFindings
        ? FactorCache(folder: plan.recipe.output.directory + "/.cache/factors") : nil
    ) { try Calibration(plan, model: $0, data: data, threads: count) }
    if plan.recipe.train.cachesFrozenFeatures {
      try Self.refuseRandomSamples(plan)
      model.prefix = try FrozenPrefix(
        of: model.adapted, in: model.network, named: model.backboneName,
        movesStatistics: Self.movesStatistics(plan.recipe, model))
      model.prefix?.precision = model.precision
    }
    self.model = model
    for shape in shapes { try model.network.check(model.inputNames.shapes(shape)) }
    let weights = model.weights
    digest = try plan.resolved.digest { field, path in
      if field == "model.weights", let weights { return weights.digest }
      if let manifest = roots[field] { return manifest }
      return try Attune.digest(ofCheckpoint: path, digests)
    }
    task = try taskRun(plan, model: model, data: data, team: team)
    if let ranks = recipeRanks { try share(batchesOf: ranks) }
  }

  /// Makes the batches those of so many ranks, and this process's share of them its own.
  ///
  /// - Throws: `RunError.settingInvalid` where batches are too small for the ranks there are.
  mutating func share(batchesOf ranks: Int) throws(RunError) {
    let (size, count) = (plan.data.batchSize * ranks, team.ranks.count)
    guard size >= count else {
      throw .settingInvalid(
        field: "data.batch_size", found: "batches of \(size) for \(count) ranks",
        expected: "at least one sample for each rank")
    }
    data = data.shared(by: team.ranks, batchSize: size)
  }

  /// Keeps digests of files and statistics of data that had to be computed, for later runs of the same
  /// output folder.
  ///
  /// They save time alone: a disk that has no room for them will say so where it matters.
  func keepFindings() {
    statistics?.write()
    guard digests.hasChanged else { return }
    let file = Self.digestFile(recipe)
    try? FileManager.default.createDirectory(
      atPath: FilePath.directory(of: file), withIntermediateDirectories: true)
    try? digests.write(to: file)
  }

  private static func digestFile(_ recipe: Recipe) -> String {
    recipe.output.directory + "/.cache/digests.json"
  }

  /// Statistics by the recipe's data section; the files of a root are told by their own sizes and times.
  private static func keptStatistics(
    _ plan: RunPlan, _ digests: FileDigestCache
  ) throws -> KeptStatistics {
    KeptStatistics(
      folder: plan.recipe.output.directory + "/.cache/statistics",
      recipe: try plan.resolved.sampleDigest { field, path in
        field.hasSuffix(".root") ? path : try Attune.digest(ofCheckpoint: path, digests)
      })
  }

  /// Ranks that an earlier start of this run found; nil where it looks at no data or never began, or
  /// found values besides and came to no checkpoint.
  private static func foundRanks(
    _ plan: RunPlan, _ roots: [String: String], _ digests: FileDigestCache
  ) throws -> FoundRanks? {
    guard plan.model.looksAtData else { return nil }
    let digest = try plan.resolved.digest { field, path in
      try roots[field] ?? Attune.digest(ofCheckpoint: path, digests)
    }
    let directory = RunDirectory(recipe: plan.recipe, digest: digest)
    guard directory.status?.digest == digest else { return nil }
    let checkpoints = CheckpointFolder(path: directory.file("checkpoints"))
    if plan.model.findsValues, checkpoints.linked("last") == nil { return nil }
    return try? directory.read(FoundRanks.self, from: FoundRanks.fileName)
  }

  /// Digest of each data folder's files by the field that names it.
  private static func roots(_ plan: RunPlan, _ data: PreparedData) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: zip(plan.data.sources, data.sources).map {
        ($0.path + ".root", $1.manifest.digest)
      })
  }

  // MARK: Frozen features

  /// Refuses data whose samples are drawn anew in every epoch.
  private static func refuseRandomSamples(_ plan: RunPlan) throws(RunError) {
    for source in plan.data.sources {
      let drawn =
        source.section.transforms.map(\.name).filter { name in
          // What is done alike in every epoch leaves features as they are.
          !(transforms[name]?.isDeterministic ?? false)
        }
        + (source.section.degradation == nil ? [] : ["degrade"])
      guard drawn.isEmpty else {
        throw .featuresChange(
          reason:
            "\(source.path): \(drawn.joined(separator: ", ")) changes samples at random, anew "
            + "in every epoch",
          remedy: "Leave out \(source.path).transforms, or leave out the field")
      }
    }
  }

  /// The samples with their features, where the recipe asks for them; nothing is written yet.
  func frozenFeatures() throws -> FrozenFeatures? {
    guard let prefix = model.prefix else { return nil }
    let roots = Self.roots(plan, data)
    let dataDigest = try plan.resolved.sampleDigest { field, path in
      try roots[field] ?? Attune.digest(ofCheckpoint: path, digests)
    }
    return try FrozenFeatures(
      prefix, of: model, data: data, dataDigest: dataDigest, parts: task.storedParts,
      output: recipe.output.directory,
      threads: threads)
  }

  // MARK: Training

  var stepsPerEpoch: Int {
    let perStep = recipe.train.accumulationSteps
    return max(1, (data.loader.batchesPerEpoch + perStep - 1) / perStep)
  }

  var totalSteps: Int {
    switch recipe.train.length {
    case .steps(let steps): steps
    case .epochs(let epochs): epochs * stepsPerEpoch
    }
  }

  func schedule() -> Schedule {
    Schedule(
      plan.scheduler.type, plan.scheduler.options, totalSteps: totalSteps,
      stepsPerEpoch: stepsPerEpoch)
  }

  /// Whether batch norms use and record the statistics of the batch while training.
  ///
  /// Pretrained ones under a frozen backbone keep theirs, which no adapter file would hold.
  var movesStatistics: Bool { Self.movesStatistics(recipe, model) }

  private static func movesStatistics(_ recipe: Recipe, _ model: AssembledModel) -> Bool {
    !(recipe.freezesBackbone && model.weights != nil)
  }

  /// The task's loss under the recipe's way of computing it.
  var loss: LossFunction {
    let (loss, moves, adapted) = (task.loss, movesStatistics, model.adapted)
    let checkpoints = recipe.train.checkpointsActivations
    return { fields, context in
      var context = context.usingBatchStatistics(moves)
      context.checkpointsActivations = checkpoints
      let value = loss(fields, context)
      return adapted.penalty().map { value + $0 } ?? value
    }
  }

  func trainingPlan() throws -> TrainingPlan {
    let train = recipe.train
    func steps(_ interval: StepInterval) -> Int {
      switch interval {
      case .steps(let steps): max(1, steps)
      case .epochs(let epochs): max(1, Int((Double(epochs) * Double(stepsPerEpoch)).rounded()))
      }
    }
    return TrainingPlan(
      seed: UInt64(bitPattern: Int64(recipe.seed)),
      threads: movesStatistics || model.hasTrainedNorms || model.hasMixingAdapter
        ? model.trainingShards(threads: threads) : threads,
      totalSteps: totalSteps,
      stepsPerEpoch: stepsPerEpoch, monitor: try monitor(),
      accumulationSteps: train.accumulationSteps, gradientNormLimit: train.gradientNormLimit,
      rateGroups: try train.rateGroups.map { group in
        TrainingPlan.RateGroup(
          patterns: try group.patterns.map { try Pattern($0) }, learningRate: group.learningRate,
          weightDecay: group.weightDecay)
      },
      earlyStopping: train.earlyStopping.map { ($0.patience, $0.minimumDelta) },
      logEvery: steps(train.logInterval), evaluateEvery: steps(train.evaluationInterval),
      saveEvery: steps(train.saveInterval), savesKept: train.savesKept,
      skippableSteps: { if case .skip(let count) = train.nonfinite { count } else { 0 } }(),
      samplesPerPass: samplesPerPass)
  }

  /// Samples at a time; all where batch norms need the whole batch or data sets differ in shape.
  private var samplesPerPass: Int? {
    let shapes = data.inputShapes
    guard shapes.count == 1, !model.mixesSamples else { return nil }
    return model.network.samplesPerPass(model.inputNames.shapes(shapes[0]))
  }

  /// The loop at its start, or where `resuming` left it.
  func trainer(resuming: LoadedState? = nil) throws -> Trainer {
    try Trainer(
      try trainingPlan(), schedule: schedule(), optimizer: plan.optimizer,
      trainable: model.adapted.trainable, hooks: try model.adapted.hooks(),
      policies: model.adapted.policies, resuming: resuming, ranks: team.ranks, loss: loss)
  }

  /// The loop at its start, for a look at its first steps: it neither evaluates nor saves.
  func trainer(measuring steps: Int) throws -> Trainer {
    var plan = try trainingPlan()
    (plan.totalSteps, plan.evaluateEvery, plan.saveEvery) = (steps + 1, .max, .max)
    return try Trainer(
      plan, schedule: schedule(), optimizer: self.plan.optimizer,
      trainable: model.adapted.trainable, hooks: try model.adapted.hooks(),
      policies: model.adapted.policies, loss: loss)
  }

  /// Refuses what would only be met while training or after it, before anything is written.
  func check() throws {
    _ = try trainer()
    if let federated = plan.federated {
      _ = try federatedAdapter(federated)
      _ = try clients(federated)
    }
    _ = try part(named: recipe.evaluation.split)
  }

  /// The part of the data that a name means.
  func part(named name: String) throws(RunError) -> SplitPart {
    guard let part = SplitPart(rawValue: name) else {
      throw .settingInvalid(
        field: "eval.split", found: name, expected: "one of train, val, test")
    }
    return part
  }

  /// The value that picks the best checkpoint: the recipe's, else the task's headline on the
  /// validation part, else the training loss.
  private func monitor() throws -> TrainingPlan.Monitor {
    let standard = data.hasPart(.val) ? "val/" + plan.headline.name : "train/loss"
    let name = recipe.train.monitor ?? standard
    guard !name.hasSuffix("/loss") else { return .init(name: name, lowerIsBetter: true) }
    let metric = try Metrics.named(name, classNames: data.target()?.names ?? [])
    guard data.hasPart(.val), plan.metrics.contains(where: { $0.name == metric.name }) else {
      throw RunError.settingInvalid(
        field: "train.monitor", found: name,
        expected: data.hasPart(.val)
          ? "val/ and one of eval.metrics (\(plan.metrics.map { $0.name }.joined(separator: ", ")))"
          : "train/loss, since the split has no validation part")
    }
    if let mode = recipe.train.mode, (mode == .min) != metric.lowerIsBetter {
      throw RunError.settingInvalid(
        field: "train.mode", found: "\(mode.rawValue) for \(name)",
        expected: metric.lowerIsBetter ? "min for this metric" : "max for this metric")
    }
    return .init(name: name, lowerIsBetter: metric.lowerIsBetter)
  }

  /// The training batches of all micro steps, read ahead by `data.num_workers` threads.
  ///
  /// Frozen features are read where they are used: they lie in memory or are made by the model.
  func batchesAhead(_ features: OpenFeatures?) -> ReadAhead<Batch> {
    let (task, data) = (task, data)
    let microSteps = totalSteps * recipe.train.accumulationSteps
    let readers = plan.data.sources[0].section.workers ?? min(threads, Self.mostReaders)
    return ReadAhead(threads: features == nil ? readers : 0, count: microSteps) { microStep in
      task.prepared(try features?.batch(microStep) ?? data.batch(microStep))
    }
  }

  /// Reading threads where the recipe does not say how many; each holds a batch in memory.
  private static let mostReaders = 4

  // MARK: Evaluation

  /// Metrics of the validation part by full name, for the training loop.
  ///
  /// `features` are the stored ones, where there are any.
  func validation(_ features: OpenFeatures? = nil) throws -> [String: Double] {
    try frozen { try task.validation(features) }
  }

  /// Measures the model as it stands on a split, beside the trivial baseline.
  ///
  /// - Parameters:
  ///   - part: `train`, `val` or `test`.
  ///   - checkpoint: what the weights are, for the record.
  ///   - step: of these weights.
  /// - Returns: nil where the data have nothing in the part.
  /// - Throws: for an unknown part, and what reading the data throws.
  func evaluate(part: String, checkpoint: String, step: Int) throws -> EvaluatedSplit? {
    let part = try self.part(named: part)
    guard data.hasPart(part) else { return nil }
    return try frozen { try task.evaluate(part, checkpoint: checkpoint, step: step) }
  }

  /// Runs `body` with nothing trainable, so that no tape is recorded.
  func frozen<Result>(_ body: () throws -> Result) rethrows -> Result {
    let trained = model.adapted.trainable
    for parameter in trained { parameter.isTrainable = false }
    defer { for parameter in trained { parameter.isTrainable = true } }
    return try body()
  }
}
