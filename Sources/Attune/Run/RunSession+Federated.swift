import Adapters
import Datasets
import Layers
import Recipes
import Tensors
import Training

extension RunSession {
  /// The adapter that clients train.
  ///
  /// - Throws: `AdapterError` for one that the aggregation is not defined for.
  func federatedAdapter(_ plan: FederatedPlan) throws -> AttachedAdapter {
    guard let adapter = model.adapted.adapters.first(where: { $0.method != nil }) else {
      throw RunError.settingInvalid(
        field: "adapter", found: "no method", expected: "one, which clients train")
    }
    try plan.aggregation.check(adapter)
    return adapter
  }

  func clients(_ plan: FederatedPlan) throws -> [FederatedClient] {
    try plan.clients(data, seed: UInt64(bitPattern: Int64(recipe.seed)))
  }

  /// Optimizer steps of the whole run: of all clients in all rounds, where there are some.
  func allSteps() throws -> Int {
    guard let federated = plan.federated else { return totalSteps }
    return federated.rounds * (try clients(federated).reduce(0) { $0 + (try localSteps(of: $1)) })
  }

  /// Optimizer steps of a client in one round.
  func localSteps(of client: FederatedClient) throws -> Int {
    switch recipe.train.length {
    case .steps(let steps): return steps
    case .epochs(let epochs):
      let perStep = recipe.train.accumulationSteps
      return epochs * max(1, (client.data.loader.batchesPerEpoch + perStep - 1) / perStep)
    }
  }

  /// A client's loop, at the step that its earlier rounds came to.
  func trainer(of client: FederatedClient, firstStep: Int, totalSteps: Int) throws -> Trainer {
    var training = try trainingPlan()
    training.seed = client.seed
    training.totalSteps = totalSteps
    (training.evaluateEvery, training.saveEvery) = (.max, .max)
    let perEpoch = max(1, client.data.loader.batchesPerEpoch / recipe.train.accumulationSteps)
    return try Trainer(
      training,
      schedule: Schedule(
        plan.scheduler.type, plan.scheduler.options, totalSteps: totalSteps,
        stepsPerEpoch: perEpoch),
      optimizer: plan.optimizer, trainable: model.adapted.trainable,
      hooks: try model.adapted.hooks(), policies: model.adapted.policies, firstStep: firstStep,
      loss: loss)
  }

  /// Whether a round's metrics are better than all before, by the monitored value.
  func judge(_ metrics: [String: Double], _ state: inout TrainerState) throws -> Bool {
    let monitor = try trainingPlan().monitor
    guard let value = metrics[monitor.name] else { return false }
    let signed = monitor.lowerIsBetter ? value : -value
    guard signed.isFinite, state.bestValue.map({ signed < $0 }) ?? true else { return false }
    state.bestValue = signed
    state.bestStep = state.step
    return true
  }
}

extension AdaptedModel {
  /// What clients send: trained values, and running statistics.
  var exchanged: [Parameter] {
    trainable + buffers.filter { $0.path.contains(".running_") && $0.dtype == .f32 }
  }

  /// Copies of what clients send, by path.
  var values: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: exchanged.map { ($0.path, $0.value.copied()) })
  }

  /// Gives back copied values.
  func restore(_ values: [String: Tensor]) {
    for parameter in exchanged {
      if let value = values[parameter.path] { parameter.value = value.copied() }
    }
  }
}
