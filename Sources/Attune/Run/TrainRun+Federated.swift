import Adapters
import Checkpoints
import Foundation
import Launch
import Layers
import Recipes
import Reports
import Tensors
import Training

/// Rounds of clients, one after another in this process.
extension TrainRun {
  /// File of what the rounds did so far.
  private static let roundsName = "rounds.json"

  /// Trains by rounds and concludes as any run.
  ///
  /// A checkpoint is written before the first round and after each; a run that stops in a round begins
  /// that round again.
  mutating func execute(
    _ plan: FederatedPlan, shouldStop: @escaping () -> Bool,
    show: @escaping (Launch.Progress) -> Void
  ) throws -> TrainResult {
    let model = session.model
    let adapter = try session.federatedAdapter(plan)
    let clients = try session.clients(plan)
    let lengths = try clients.map { try session.localSteps(of: $0) }
    let perRound = lengths.reduce(0, +)
    let parameters = model.state
    let initialDigest = parameterDigest(parameters.filter { !$0.isPending })
    try resumed?.restore(parameters)
    computePendingValues()
    var state = resumed?.state ?? TrainerState()
    var record = RunRecord.Federated(
      aggregation: plan.name,
      clients: clients.map { .init(name: $0.name, samples: $0.sampleCount) },
      localSteps: lengths.max() ?? 0)
    if state.step > 0 {
      record.rounds = try directory.read(RunRecord.Federated.self, from: Self.roundsName).rounds
      record.rounds.removeAll { $0.lastStep > state.step }
    }
    if let best = state.bestStep { try checkpoints.markBest(step: best) }
    let log = try EventLog(
      directory, plan: session.plan, status: status, initialDigest: initialDigest,
      resumingAt: state.step)
    self.log = log
    announce(clients, lengths, plan, step: state.step, perRound: perRound)
    if resumed == nil {
      try checkpoints.save(
        state, parameters: parameters, digest: session.digest, isBest: false,
        keep: session.recipe.train.savesKept)
    }
    let total = clients.reduce(0) { $0 + $1.sampleCount }
    let first = state.step / perRound
    for round in first..<max(first, plan.rounds) {
      let start = model.adapted.values
      var sent: [ClientValues] = []
      var (losses, done) = ([Double](), round * perRound)
      for (client, steps) in zip(clients, lengths) {
        model.adapted.restore(start)
        let outcome = try train(
          client, steps: steps, round: round, of: plan, after: done,
          total: plan.rounds * perRound, log: log, shouldStop: shouldStop, show: show)
        guard let outcome else {
          status.step = state.step
          return try stopped()
        }
        state.trainSeconds += outcome.trainSeconds
        losses.append(outcome.recentLoss)
        done += steps
        sent.append(
          ClientValues(
            weight: Double(client.sampleCount) / Double(total), values: model.adapted.values))
      }
      let bytes = try put(sent, together: adapter, by: plan, start: start, round: round)
      state.step = (round + 1) * perRound
      var metrics = try session.validation()
      metrics["train/loss"] = zip(losses, sent).reduce(0) { $0 + $1.0 * $1.1.weight }
      try log.append(
        MetricsEvent(
          step: state.step, epoch: Double(round + 1),
          seconds: (ContinuousClock.now - self.start) / .seconds(1), metrics: metrics))
      record.rounds.append(
        .init(
          number: round + 1, lastStep: state.step, bytesUp: bytes.up, bytesDown: bytes.down,
          losses: losses,
          inexactness: bytes.inexactness, metrics: metrics))
      try directory.write(json: record, to: Self.roundsName)
      state.recentLoss = metrics["train/loss"] ?? 0
      let isBest = try session.judge(metrics, &state)
      try checkpoints.save(
        state, parameters: parameters, digest: session.digest, isBest: isBest,
        keep: session.recipe.train.savesKept)
    }
    status.step = state.step
    let result = try conclude(state, reached: nil, parameters, federated: record)
    try log.end(.finished, result)
    try finish(.finished, .done)
    return TrainResult(directory: directory, record: result, exitCode: .done)
  }

  private func announce(
    _ clients: [FederatedClient], _ lengths: [Int], _ plan: FederatedPlan, step: Int, perRound: Int
  ) {
    let model = session.model.adapted
    let parts = zip(clients, lengths).map { "\($0.name) \($0.sampleCount) samples, \($1) steps" }
    message(
      "run \(directory.path): \(model.trainableCount) of \(model.totalCount) parameters trained, "
        + "\(plan.rounds) rounds of \(clients.count) clients by \(plan.name): "
        + parts.joined(separator: "; "))
    if step > 0 { message("resuming before round \(step / perRound + 1)") }
  }

  /// One client's part of a round; nil where the run is to stop.
  private func train(
    _ client: FederatedClient, steps: Int, round: Int, of plan: FederatedPlan, after done: Int,
    total: Int, log: EventLog, shouldStop: @escaping () -> Bool,
    show: @escaping (Launch.Progress) -> Void
  ) throws -> TrainerState? {
    var trainer = try session.trainer(
      of: client, firstStep: round * steps, totalSteps: plan.rounds * steps)
    let end = (round + 1) * steps
    var (isStopped, own) = (false, round * steps)
    var observers = Trainer.Observers()
    observers.shouldStop = {
      if own < end { isStopped = shouldStop() }
      return own == end || isStopped
    }
    observers.stepped = { event in
      own = event.step
      var event = event
      event.step += done - round * steps
      try log.append(event)
    }
    observers.progressed = { progress in
      show(
        Launch.Progress(
          epoch: Double(round), step: progress.step - round * steps + done,
          totalSteps: total, loss: progress.loss,
          learningRate: progress.learningRate, gradientNorm: progress.gradientNorm,
          resumedStep: done, samples: progress.samples, seconds: progress.seconds,
          waitingSeconds: progress.waitingSeconds, peakMemoryBytes: peakResidentBytes()))
    }
    let task = session.task
    _ = try trainer.run(
      batches: { task.prepared(try client.data.batch($0)) }, evaluate: { _ in [:] },
      observers: observers)
    return isStopped ? nil : trainer.state
  }

  /// Gives the model what the server makes of the clients' values.
  ///
  /// - Returns: bytes that all clients sent, and got after it; how far the update is from the mean.
  private func put(
    _ sent: [ClientValues], together adapter: AttachedAdapter, by plan: FederatedPlan,
    start: [String: Tensor], round: Int
  ) throws -> (up: Int, down: Int, inexactness: Double?) {
    let model = session.model.adapted
    let own = Set(adapter.parameters.map(\.path))
    model.restore(start)
    let server = plan.aggregation.aggregated(sent, adapter)
    let inexactness = adapter.inexactness(of: server, sent)
    var others = 0
    for parameter in model.exchanged where !own.contains(parameter.path) {
      guard let mean = ClientValues.mean(sent, of: parameter.path) else { continue }
      parameter.value = mean
      others += mean.elementCount
    }
    for parameter in adapter.parameters {
      if let value = server.values[parameter.path] { parameter.value = value.copied() }
    }
    if !server.updates.isEmpty {
      try saveRound(server, adapter, round: round)
      adapter.add(server.updates)
      adapter.drawAnew(round: round + 1)
    }
    let sentCount = adapter.parameters.reduce(0) { $0 + $1.elementCount } + others
    return (4 * sentCount * sent.count, 4 * (server.count + others) * sent.count, inexactness)
  }

  /// Writes a round's update as an adapter beside the base of before the first round.
  private func saveRound(
    _ server: ServerValues, _ adapter: AttachedAdapter, round: Int
  ) throws {
    try directory.makeFolder("rounds")
    let base = session.model.weights
    try adapter.sum(
      of: server.updates, baseDigest: base?.digest ?? randomDigest(seed: session.recipe.seed),
      baseName: base?.path
    ).save(to: directory.file(roundFolder(round)), parts: [])
  }

  private func roundFolder(_ round: Int) -> String { "rounds/round-\(round + 1)" }

  /// Writes all rounds' updates as one adapter, beside the base of before the first round.
  func saveSumOfRounds(_ count: Int) throws {
    let folders = (0..<count).map { directory.file(roundFolder($0)) }
    guard let model = session.model.adapted.adapters.first(where: { $0.method != nil }),
      !folders.isEmpty
    else { return }
    let directories = try folders.map { try PEFTDirectory(reading: $0) }
    try AdapterSum(
      directories, weights: folders.map { _ in 1 }, averagesSaved: false
    ).saving(model.saved.map { ($0.path, $0.value) })
      .save(to: directory.file("adapter"), parts: folders)
  }
}
