import Datasets
import Recipes
import Tasks
import Tensors

/// One evaluated split: its numbers and the samples that reports show.
struct EvaluatedSplit {
  let record: RunRecord.Evaluation
  let samples: [RunRecord.Sample]
}

extension RunSession {
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
    let clock = ContinuousClock.now
    let evaluation = FieldEvaluation(
      predictor: PDEPredictor(
        inputFrames: data.inputFrames, rolloutSteps: recipe.evaluation.rolloutSteps),
      metrics: plan.metrics, threads: threads)
    let results = try frozen {
      try evaluation.run(data.trajectories(part), keeps: true, model: predictor)
    }
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
        fields: data.sources[0].data.set.fields.map(\.name)))
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
