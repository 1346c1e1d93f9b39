import Adapters
import Backbones
import Checkpoints
import Datasets
import Foundation
import Formats
package import Launch
import Layers
package import Recipes
import Reports
import Tasks
package import Tensors
import Training

/// What the command line gives to `train`.
package struct TrainRequest: Sendable {
  /// Path of the recipe.
  package var recipe: String
  /// Values of `--set`, in order.
  package var overrides: [String]
  /// Further changes, which win over `overrides`: those of a job in a batch.
  package var changes: [Override] = []
  /// Command line to repeat the run.
  package var command: String
  /// Threads where the recipe does not say; nil for all of the machine.
  package var threads: Int?
  /// A run that is finished already is left as it is instead of being refused.
  package var skipsFinished = false
  /// Processes that train together, each of which is given the same request.
  package var ranks: any Communicator = SingleRank()

  package init(recipe: String, overrides: [String] = [], command: String = "") {
    self.recipe = recipe
    self.overrides = overrides
    self.command = command
  }

  /// All changes in the order in which they win.
  var allChanges: [Override] { overrides.map { Override($0) } + changes }
}

/// What a training run ended in.
package struct TrainResult: Sendable {
  package var directory: RunDirectory
  /// Nil when the run was stopped before its end, or had been finished before.
  package var record: RunRecord?
  package var exitCode: ExitCode
  /// The program that finished the run before; nil where this one ran it.
  package var skippedProgram: String?
}

/// Trains by a recipe: writes the run directory, evaluates at the end, writes the report.
///
/// A run with the same digest that was interrupted goes on from its newest checkpoint.
/// `shouldStop` is asked before every step: a checkpoint is written and exit code 75 returned.
/// `show` hears of the loop's progress, `message` gets single lines for the log. Of several ranks the
/// first one writes and tells; the result of the others says nothing.
package func train(
  _ request: TrainRequest, shouldStop: @escaping () -> Bool = { false },
  show: @escaping (Launch.Progress) -> Void = { _ in },
  message: @escaping (String) -> Void = { _ in }
) throws -> TrainResult {
  let ranks = request.ranks
  let session = try ranks.agreed {
    let plan = try RunPlan(file: request.recipe, overrides: request.allChanges)
    for note in plan.notes { message(note) }
    let session = try RunSession(
      plan, threads: request.threads, keepsFindings: true, ranks: ranks)
    try session.checkRanks()
    try session.check()
    return session
  }
  try ranks.requireSame(session.digest)
  guard ranks.isFirst else { return try followRun(session, shouldStop: shouldStop) }
  var run: TrainRun
  do {
    if request.skipsFinished, let skipped = finishedBefore(session) {
      let _: RankStart = try ranks.shared(.nothing)
      return skipped
    }
    run = try TrainRun(session, request, message: message)
  } catch {
    let _: RankStart = try ranks.shared(.nothing)
    // Another process may have finished it since.
    if case RunError.outputExists = error, request.skipsFinished,
      let skipped = finishedBefore(session)
    {
      return skipped
    }
    // The others have been told that there is nothing to run.
    guard ranks.count > 1 else { throw error }
    throw RankRefusal(
      exitCode: programExitCode(of: error) ?? .internalError, description: "\(error)")
  }
  do {
    return try run.execute(shouldStop: shouldStop, show: show)
  } catch let loss as any RankLoss {
    message("\(loss)")
    return try run.stopped()
  } catch {
    run.recordFailure(error)
    throw error
  }
}

/// What an earlier run of the same recipe and inputs left, where it is finished.
private func finishedBefore(_ session: RunSession) -> TrainResult? {
  guard let status = session.directory.status, status.state == .finished, session.isSame(status)
  else { return nil }
  session.keepFindings()
  return TrainResult(
    directory: session.directory, exitCode: .done, skippedProgram: status.program)
}

/// One run from its first write to its last.
struct TrainRun {
  private(set) var session: RunSession
  let request: TrainRequest
  let directory: RunDirectory
  private let lock: FileLock
  let checkpoints: CheckpointFolder
  let resumed: LoadedState?
  private let features: FrozenFeatures?
  let message: (String) -> Void
  var status: RunDirectory.Status
  var log: EventLog?
  let start = ContinuousClock.now

  init(
    _ session: RunSession, _ request: TrainRequest, message: @escaping (String) -> Void
  ) throws {
    self.session = session
    self.request = request
    self.message = message
    features = try session.frozenFeatures()
    var given: LoadedState?
    if case .checkpoint(let path) = session.recipe.train.resume {
      given = try LoadedState(path, digest: session.digest)
    }
    (directory, lock) = try Self.claim(session, skipsFinished: request.skipsFinished)
    if !lock.isHeld {
      message(
        "\(directory.path): its file system knows no locks, so that nothing keeps another process "
          + "from writing this run too")
    }
    checkpoints = CheckpointFolder(path: directory.file("checkpoints"))
    if given == nil, session.recipe.train.resume == .auto, let newest = checkpoints.newest {
      given = try LoadedState(newest, digest: session.digest)
    }
    resumed = given
    let before = directory.status
    let batches = session.recipeRanks ?? (given == nil ? nil : before?.ranks ?? 1)
    let ranks = batches ?? session.team.ranks.count
    try self.session.share(batchesOf: ranks)
    status = RunDirectory.Status(
      state: .running, program: programVersion, digest: session.digest,
      step: resumed?.state.step ?? 0, ranks: ranks == 1 ? nil : ranks, exitCode: nil,
      startedAt: before?.startedAt ?? timestamp(), finishedAt: nil, error: nil)
  }

  /// Finds or makes the folder, by `output.if_exists` where a finished run is in it, and takes the
  /// sole right to write there.
  private static func claim(
    _ session: RunSession, skipsFinished: Bool
  ) throws -> (directory: RunDirectory, lock: FileLock) {
    let directory = session.directory
    /// What is done where a run is in the folder; nil where there is none, or it goes on.
    func obstacle() throws -> OutputSection.Existing? {
      guard let status = directory.status else { return nil }
      let isSame = session.isSame(status)
      let isDone = status.state == .finished
      if isSame, !isDone, session.recipe.train.resume != .never { return nil }
      let ifExists = session.recipe.output.ifExists
      guard ifExists == .fail || (skipsFinished && isDone && isSame) else { return ifExists }
      throw RunError.outputExists(path: directory.path, state: status.state.rawValue)
    }
    // Asked before anything is written, and again when nobody else can write.
    _ = try obstacle()
    let lock = try directory.lock()
    switch try obstacle() {
    case nil, .fail: return (directory, lock)
    case .overwrite:
      try directory.empty()
      return (directory, lock)
    case .new:
      var number = 2
      while FileManager.default.fileExists(atPath: "\(directory.path)-\(number)") { number += 1 }
      let other = RunDirectory(path: "\(directory.path)-\(number)")
      return (other, try other.lock())
    }
  }

  mutating func execute(
    shouldStop: @escaping () -> Bool, show: @escaping (Launch.Progress) -> Void
  ) throws -> TrainResult {
    try writeHead()
    if let federated = session.plan.federated {
      return try execute(federated, shouldStop: shouldStop, show: show)
    }
    let ranks = session.team.ranks
    let _: RankStart = try ranks.shared(
      .run(checkpoint: resumed?.folder, ranks: status.ranks ?? 1))
    let parameters = session.model.state
    var trainer = try session.trainer(resuming: resumed)
    // What is still to be computed follows from the base weights, and a resume reads it.
    let initialDigest = parameterDigest(parameters.filter { !$0.isPending })
    try resumed?.restore(parameters)
    computePendingValues()
    try ranks.equalize(parameters)
    if let best = trainer.state.bestStep { try checkpoints.markBest(step: best) }
    let log = try EventLog(
      directory, plan: session.plan, status: status, initialDigest: initialDigest,
      resumingAt: trainer.state.step)
    self.log = log
    announce(trainer)
    let features = try features?.open(message: message)
    let observers = observers(parameters, log, shouldStop: shouldStop, show: show)
    let session = session
    let batches = session.batchesAhead(features)
    defer { batches.stop() }
    let outcome = try trainer.run(
      batches: { try batches($0) },
      evaluate: { _ in try session.validation(features) },
      observers: observers)
    status.step = trainer.state.step
    guard outcome == .finished else { return try stopped() }
    let record = try conclude(trainer.state, reached: trainer.reachedCount, parameters)
    try log.end(.finished, record)
    try finish(.finished, .done)
    return TrainResult(directory: directory, record: record, exitCode: .done)
  }

  /// Writes down that the run was stopped with a checkpoint.
  mutating func stopped() throws -> TrainResult {
    try log?.end(.stopped)
    try finish(.stopped, .stopped)
    return TrainResult(directory: directory, record: nil, exitCode: .stopped)
  }

  /// Computes what adapters take from the base weights, and says how far it is where that takes long.
  func computePendingValues() {
    let pending = session.model.adapted.buffers.filter(\.isPending)
    var told = ContinuousClock.now
    for (index, buffer) in pending.enumerated() {
      _ = buffer.value
      guard ContinuousClock.now - told > .seconds(5) else { continue }
      message("adapters prepared from base weights: \(index + 1) of \(pending.count) values")
      told = .now
    }
  }

  /// Everything that stands in the folder before the first step.
  private func writeHead() throws {
    let text = try String(contentsOfFile: request.recipe, encoding: .utf8)
    try directory.write(text: text, to: "recipe.yaml")
    try directory.write(text: session.plan.resolved.yaml, to: "recipe.resolved.yaml")
    try directory.write(
      text: request.allChanges.map { $0.text + "\n" }.joined(), to: "overrides.txt")
    try directory.write(
      json: runEnvironment(threads: session.threads), to: "environment.json")
    try directory.write(json: session.data.record(), to: "data.json")
    session.keepFindings()
    try directory.write(json: Contract(session.data), to: "contract.json")
    if let found = FoundRanks(session.model.adapted, session.plan.model.adapters) {
      try directory.write(json: found, to: FoundRanks.fileName)
    }
    try directory.write(status)
  }

  private func announce(_ trainer: Trainer) {
    let model = session.model.adapted
    let share = 100 * Double(model.trainableCount) / Double(max(1, model.totalCount))
    message(
      "run \(directory.path): \(model.trainableCount) of \(model.totalCount) parameters trained "
        + "(\(share.formatted(.number.precision(.fractionLength(1)))) %), "
        + "\(session.totalSteps) steps, \(session.threads) threads"
        + (session.team.ranks.count > 1 ? " on each of \(session.team.ranks.count) ranks" : ""))
    if let began = status.ranks, began != session.team.ranks.count {
      message(
        "batches of \(session.data.loader.batchSize) samples, those of \(began) ranks, are shared by "
          + "\(session.team.ranks.count)")
    }
    if let weights = session.model.weights { message(weights.summary) }
    let fresh = session.model.headLeftFresh
    if !fresh.isEmpty {
      message(
        "adapter.from: \(fresh.count) values of the head are not in the file or have other shapes, and "
          + "start anew: \(fresh.prefix(4).joined(separator: ", "))"
          + (fresh.count > 4 ? " and \(fresh.count - 4) more" : ""))
    }
    if trainer.state.step > 0 { message("resuming at step \(trainer.state.step)") }
    if !session.data.hasPart(.val) { message("no validation part: train/loss is monitored") }
    if !session.data.hasPart(.test) { message("no test part: no final evaluation") }
  }

  private func observers(
    _ parameters: [Parameter], _ log: EventLog, shouldStop: @escaping () -> Bool,
    show: @escaping (Launch.Progress) -> Void
  ) -> Trainer.Observers {
    var observers = Trainer.Observers()
    let (folder, digest) = (checkpoints, session.digest)
    let kept = session.recipe.train.savesKept
    let first = resumed?.state.step ?? 0
    observers.stepped = { try log.append($0) }
    observers.evaluated = { try log.append($0) }
    observers.save = { trainer, isBest in
      try folder.save(
        trainer, parameters: parameters, digest: digest, isBest: isBest, keep: kept)
    }
    observers.shouldStop = shouldStop
    observers.progressed = { progress in
      show(
        Launch.Progress(
          epoch: progress.epoch, step: progress.step, totalSteps: progress.totalSteps,
          loss: progress.loss, learningRate: progress.learningRate,
          gradientNorm: progress.gradientNorm, resumedStep: first, samples: progress.samples,
          seconds: progress.seconds, waitingSeconds: progress.waitingSeconds,
          peakMemoryBytes: peakResidentBytes()))
    }
    return observers
  }

  mutating func finish(
    _ state: RunDirectory.Status.State, _ code: ExitCode
  ) throws {
    status.state = state
    status.exitCode = code.rawValue
    status.finishedAt = timestamp()
    try directory.write(status)
  }

  /// Marks the run as failed; a second error while doing so is of no use to anyone.
  mutating func recordFailure(_ error: any Error) {
    status.error = "\(error)"
    try? log?.end(.failed)
    try? finish(.failed, (error as? any ExitCoded)?.exitCode ?? .internalError)
  }
}
