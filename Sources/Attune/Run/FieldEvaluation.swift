import Recipes
import Tasks
import Tensors

/// Runs a model over the trajectories of a split and measures it beside the trivial baseline.
struct FieldEvaluation: Sendable {
  typealias Unit = @Sendable () throws -> NormalizedTrajectory
  /// One-step predictions `[T − t, F, C, D, H, W]` of a unit.
  typealias OneStep = @Sendable (_ unit: Int) throws -> Tensor

  let predictor: PDEPredictor
  let metrics: [any FieldMetric.Type]
  let team: Team

  /// Values of one pass.
  struct Results {
    var oneStep: FieldMetricCollector
    var oneStepBaseline: FieldMetricCollector
    var rollout: FieldMetricCollector
    var rolloutBaseline: FieldMetricCollector
    var identifiers: [String] = []
    /// Mean squared error in normalized units, over all predicted frames.
    var loss = 0.0
    /// Predictions by unit, kept where asked for.
    var predictions: [PDEPrediction] = []
  }

  /// Measures all units; `keeps` says whether predictions are kept for pictures.
  ///
  /// `oneStep` gives the one-step predictions of a unit by its number; without it the model does.
  func run(
    _ units: [Unit], keeps: Bool = false, oneStep: OneStep? = nil,
    model: @escaping PDEPredictor.Model
  ) throws -> Results {
    let done = try predictions(units, oneStep, model)
    func collector(_ suffix: String = "", byFrame: Bool = false) -> FieldMetricCollector {
      FieldMetricCollector(metrics, suffix: suffix, dataUnit: "", byFrame: byFrame)
    }
    var results = Results(
      oneStep: collector(), oneStepBaseline: collector(),
      rollout: collector("_rollout", byFrame: true),
      rolloutBaseline: collector("_rollout", byFrame: true))
    for (identifier, prediction) in done {
      results.identifiers.append(identifier)
      results.loss += prediction.loss / Double(done.count)
      let one = prediction.oneStep
      results.oneStep.add(prediction: one.prediction, truth: one.truth)
      results.oneStepBaseline.add(prediction: one.baseline, truth: one.truth)
      if let rollout = prediction.rollout {
        results.rollout.add(prediction: rollout.prediction, truth: rollout.truth)
        results.rolloutBaseline.add(prediction: rollout.baseline, truth: rollout.truth)
      }
      if keeps { results.predictions.append(prediction) }
    }
    return results
  }

  private func predictions(
    _ units: [Unit], _ oneStep: OneStep?, _ model: @escaping PDEPredictor.Model
  ) throws -> [(String, PDEPrediction)] {
    let predictor = predictor
    return try team.results(
      units.count,
      write: { result, writer in
        writer.append(result.0)
        result.1.write(to: &writer)
      }, read: { ($0.text(), PDEPrediction(from: &$0)) }
    ) { index in
      let trajectory = try units[index]()
      let known = try oneStep?(index)
      return (trajectory.identifier, predictor(trajectory, oneStep: known, model: model))
    }
  }
}

extension FieldEvaluation.Results {
  /// The record of this evaluation.
  func record(
    split: String, checkpoint: String, step: Int, headline: String, baselineName: String,
    bootstrap: Bootstrap, seconds: Double
  ) -> RunRecord.Evaluation {
    let hasRollout = !rollout.perUnit.values.allSatisfy(\.isEmpty)
    let both: (FieldMetricCollector, FieldMetricCollector) -> [RunRecord.Metric] = {
      $0.results(bootstrap: bootstrap) + (hasRollout ? $1.results(bootstrap: bootstrap) : [])
    }
    let units: (FieldMetricCollector, FieldMetricCollector) -> [String: [Double]] = {
      $0.perUnit.merging(hasRollout ? $1.perUnit : [:]) { first, _ in first }
    }
    var evaluation = RunRecord.Evaluation(
      split: split, checkpoint: checkpoint, step: step, headline: headline,
      metrics: both(oneStep, rollout), baselineName: baselineName,
      baseline: both(oneStepBaseline, rolloutBaseline), unitIdentifiers: identifiers,
      perUnit: units(oneStep, rollout), baselinePerUnit: units(oneStepBaseline, rolloutBaseline),
      byRolloutStep: hasRollout ? rollout.byFrame : [:], seconds: seconds)
    if hasRollout { evaluation.baselineByRolloutStep = rolloutBaseline.byFrame }
    return evaluation
  }
}
