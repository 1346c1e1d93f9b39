import Backbones
import Datasets
import Layers
import Recipes
import Tasks
import Tensors
import Training

/// Task `pde`: next frames of trajectories and rollouts.
struct PDERun: TaskRun {
  private let plan: RunPlan
  private let model: AssembledModel
  private let sources: [PDEData]
  private let inputFrames: Int
  private let team: Team
  private let comparison: LossSum

  init(_ plan: RunPlan, model: AssembledModel, data: PreparedData, team: Team) throws {
    self.plan = plan
    self.model = model
    self.team = team
    sources = try data.sources.map { source in
      guard let set = source.set as? PDEData else {
        throw RunError.settingInvalid(
          field: "data.format", found: plan.recipe.data.format.name,
          expected:
            "a format of PDE trajectories (\(trajectoryFormats.names.joined(separator: ", "))) "
            + "for task pde")
      }
      return set
    }
    guard let loss = plan.loss else { preconditionFailure("task pde without a loss") }
    comparison = loss
    inputFrames = sources[0].options.inputFrames
    let steps = plan.recipe.evaluation.rolloutSteps
    let frames = sources.map(\.set.frameCount).min() ?? 0
    if frames < steps + inputFrames {
      throw RunError.dataTooShort(
        what: "eval.rollout_steps: \(steps) steps after \(inputFrames) input frames need "
          + "\(steps + inputFrames) frames, trajectories have \(frames)")
    }
  }

  var loss: LossFunction {
    let (model, loss) = (model, comparison)
    return { fields, context in
      guard let target = fields["target"] else { preconditionFailure("a batch without target") }
      return loss(prediction: model.prediction(fields, context), target: target)
    }
  }

  private var fieldMetrics: [any FieldMetric.Type] {
    plan.metrics.compactMap { $0 as? any FieldMetric.Type }
  }

  /// Next frame from windows, without gradients.
  private var predictor: PDEPredictor.Model {
    let model = model
    return { model.prediction($0, .evaluation) }
  }

  func validation(_ features: OpenFeatures?) throws -> [String: Double] {
    let units = trajectories(.val)
    guard !units.isEmpty else { return [:] }
    let evaluation = FieldEvaluation(
      predictor: PDEPredictor(inputFrames: inputFrames, rolloutSteps: 1), metrics: fieldMetrics,
      team: team)
    let results = try evaluation.run(
      units, oneStep: features.flatMap { try oneStep($0) }, model: predictor)
    var values = ["val/loss": results.loss]
    for metric in results.oneStep.results(bootstrap: Bootstrap(resamples: 1)) {
      values["val/" + metric.name] = metric.value
    }
    return values
  }

  var storedParts: [SplitPart] {
    // A validation unit is judged on all its windows.
    sources.allSatisfy { $0.options.windowStride == 1 } ? [.train, .val] : [.train]
  }

  /// One-step predictions of the validation units from their stored features.
  private func oneStep(_ features: OpenFeatures) throws -> FieldEvaluation.OneStep? {
    guard !features.validation.isEmpty else { return nil }
    var windows: [(samples: StoredSamples, range: Range<Int>)] = []
    for (samples, source) in zip(
      features.validation, sources.compactMap { source in source.windows(.val) })
    {
      try samples.prepare(Array(0..<samples.count), threads: team.threads)
      let perUnit = samples.count / source.units.count
      windows += source.units.indices.map { (samples, ($0 * perUnit)..<(($0 + 1) * perUnit)) }
    }
    let (model, batchSize) = (model, PDEPredictor.standardBatchSize)
    return { [windows] unit in
      let (samples, range) = windows[unit]
      let parts = try stride(from: range.lowerBound, to: range.upperBound, by: batchSize).map {
        let fields = try stackedSamples(samples, $0..<min($0 + batchSize, range.upperBound))
        return model.prediction(fields, .evaluation).detached()
      }
      return .concatenated(parts, axis: 0)
    }
  }

  func evaluate(_ part: SplitPart, checkpoint: String, step: Int) throws -> EvaluatedSplit {
    let clock = ContinuousClock.now
    let recipe = plan.recipe
    let evaluation = FieldEvaluation(
      predictor: PDEPredictor(
        inputFrames: inputFrames, rolloutSteps: recipe.evaluation.rolloutSteps),
      metrics: fieldMetrics, team: team)
    let results = try evaluation.run(trajectories(part), keeps: true, model: predictor)
    let resamples = max(1, recipe.evaluation.bootstrapResamples)
    let record = results.record(
      split: part.rawValue, checkpoint: checkpoint, step: step, headline: plan.headline.name,
      baselineName: plan.task.baselineName,
      bootstrap: Bootstrap(resamples: resamples, seed: UInt64(bitPattern: Int64(recipe.seed))),
      seconds: (ContinuousClock.now - clock) / .seconds(1))
    return EvaluatedSplit(
      record: record,
      samples: shownSamples(
        results, scores: record.perUnit[plan.headline.name] ?? [],
        fields: sources[0].set.fields.map(\.name)))
  }

  var notes: [String] {
    guard sources.contains(where: { $0.options.normalization == .perTrajectory }) else { return [] }
    return [
      "normalize: per-trajectory uses statistics of whole trajectories, future frames included: "
        + "right for teacher-forced evaluation, not for forecasts from first frames alone."
    ]
  }

  /// Whole trajectories of a part, over all sources in order.
  private func trajectories(
    _ part: SplitPart
  ) -> [@Sendable () throws -> NormalizedTrajectory] {
    sources.flatMap { source -> [@Sendable () throws -> NormalizedTrajectory] in
      guard let windows = source.windows(part) else { return [] }
      return windows.units.indices.map { position in
        {
          let trajectory = try windows.trajectory(position)
          return NormalizedTrajectory(
            identifier: trajectory.identifier, values: trajectory.values,
            means: trajectory.scaling.means.map(Double.init),
            deviations: trajectory.scaling.deviations.map(Double.init))
        }
      }
    }
  }
}

/// Best, median and worst unit by the headline metric, as pictures.
private func shownSamples(
  _ results: FieldEvaluation.Results, scores: [Double], fields: [String]
) -> [RunRecord.Sample] {
  let order = scores.indices.sorted { scores[$0] < scores[$1] }
  guard let best = order.first, let worst = order.last else { return [] }
  let chosen = [("best", best), ("median", order[order.count / 2]), ("worst", worst)]
  return chosen.prefix(order.count < 3 ? 1 : 3).map { rank, unit in
    let prediction = results.predictions[unit]
    let shown = prediction.rollout ?? prediction.oneStep
    return RunRecord.Sample(
      identifier: results.identifiers[unit], rank: rank, score: scores[unit],
      panels: panels(shown.prediction, shown.truth, field: fields.first ?? ""))
  }
}

/// Truth, prediction and error of the first field: time against width in 1-D, the last frame else.
private func panels(
  _ prediction: Trajectory, _ truth: Trajectory, field: String
) -> [RunRecord.Panel] {
  let shape = truth.shape
  let isLine = shape.depth == 1 && shape.height == 1
  let rows = isLine ? shape.frames : shape.height
  func values(_ trajectory: Trajectory) -> [Float] {
    let frame = shape.fields * shape.components * shape.cells
    if isLine {
      return (0..<shape.frames).flatMap { time in
        trajectory.values[(time * frame)..<(time * frame + shape.width)]
      }
    }
    let plane = shape.height * shape.width
    let start = (shape.frames - 1) * frame + shape.depth / 2 * plane
    return Array(trajectory.values[start..<(start + plane)])
  }
  let (p, y) = (values(prediction), values(truth))
  func panel(_ title: String, _ values: [Float], isSigned: Bool) -> RunRecord.Panel {
    RunRecord.Panel(
      title: title, rows: rows, columns: shape.width, rowAxis: isLine ? "frame" : "y",
      columnAxis: "x", unit: field, values: values, isSigned: isSigned)
  }
  return [
    panel("truth", y, isSigned: false), panel("prediction", p, isSigned: false),
    panel("error", zip(p, y).map(-), isSigned: true),
  ]
}
