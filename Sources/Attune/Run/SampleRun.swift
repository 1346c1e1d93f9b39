import Datasets
import Recipes
import Tasks
import Tensors
import Training

/// Tasks in which every sample has a target and is judged by itself.
struct SampleRun: TaskRun {
  private let plan: RunPlan
  private let model: AssembledModel
  private let data: PreparedData
  private let team: Team
  private let task: any SampleTask
  private let losses: LossSum

  init(
    _ type: any SampleTask.Type, _ plan: RunPlan, model: AssembledModel, data: PreparedData,
    team: Team
  ) throws {
    guard let target = try data.target(), let loss = plan.loss else {
      throw RunError.settingInvalid(
        field: "data.target", found: "no target", expected: type.target.meaning)
    }
    self.plan = plan
    self.model = model
    self.data = data
    self.team = team
    task = try type.init(target)
    losses = try loss.fitted(to: target)
    if case .task(let network) = model.network, let shape = data.inputShapes[0].values.first {
      let samples = min(plan.data.batchSize, data.loader.sources[0].samples.count)
      try network.check(imageSize: Array(shape.suffix(2)), samples: samples)
    }
  }

  var loss: LossFunction {
    let (model, task, losses) = (model, task, losses)
    return { fields, context in
      guard let target = fields[TargetDescription.field] else {
        preconditionFailure("a batch without target")
      }
      let compared = task.compared(model.output(fields, context), target)
      let masses = losses.terms.indices.map { number in
        fields[Self.mass(number)].map {
          Double($0.elements(as: Float.self)[0]) * Double(target.shape[0])
        }
      }
      return losses(prediction: compared.output, target: compared.target, masses: masses)
    }
  }

  /// Field that holds what a loss term divides by, for each sample of the batch.
  private static func mass(_ term: Int) -> String { "\(TargetDescription.field).mass.\(term)" }

  /// With the mass of every loss term over this part, not a number where a term has none.
  func prepared(_ batch: Batch) -> Batch {
    var batch = batch
    let masses = batch.fields[TargetDescription.field].map(losses.masses)
    for number in losses.terms.indices {
      // A rank without samples has nothing to add, whatever the term.
      batch.sums[Self.mass(number)] = masses.map { $0[number] ?? .nan } ?? 0
    }
    return batch
  }

  private var evaluation: SampleEvaluation {
    let recipe = plan.recipe.evaluation
    return SampleEvaluation(
      task: task, model: model, losses: losses, metrics: plan.metrics,
      comparison: ImageComparison(
        colorSpace: recipe.colorSpace == .y ? .y : .rgb, border: recipe.border),
      tiles: recipe.tiles, team: team)
  }

  func validation(_ features: OpenFeatures?) throws -> [String: Double] {
    let samples: [any SampleSet] = features?.validation ?? data.samples(.val)
    guard !samples.isEmpty else { return [:] }
    let results = try evaluation.run(samples, withBaseline: false)
    var values = ["val/loss": results.loss]
    for metric in results.judge.results(bootstrap: Bootstrap(resamples: 1)) {
      values["val/" + metric.name] = metric.value
    }
    return values
  }

  var storedParts: [SplitPart] { data.hasPart(.val) ? [.train, .val] : [.train] }

  func evaluate(_ part: SplitPart, checkpoint: String, step: Int) throws -> EvaluatedSplit {
    let clock = ContinuousClock.now
    let samples = data.samples(part)
    let results = try evaluation.run(samples, withBaseline: true)
    let recipe = plan.recipe.evaluation
    let bootstrap = Bootstrap(
      resamples: max(1, recipe.bootstrapResamples),
      seed: UInt64(bitPattern: Int64(plan.recipe.seed)))
    let baseline = results.baseline
    var record = RunRecord.Evaluation(
      split: part.rawValue, checkpoint: checkpoint, step: step, headline: plan.headline.name,
      metrics: results.judge.results(bootstrap: bootstrap),
      baselineName: plan.task.baselineName,
      baseline: baseline?.results(bootstrap: bootstrap) ?? [],
      unitIdentifiers: results.units, perUnit: results.judge.perUnit,
      baselinePerUnit: baseline?.perUnit ?? [:], byRolloutStep: [:],
      seconds: (ContinuousClock.now - clock) / .seconds(1))
    if task.target.kind.hasClasses, task.target.kind != .shares {
      record.classNames = task.target.names
    }
    if let confusion = results.judge.confusion {
      record.confusion = (0..<confusion.classes).map { truth in
        (0..<confusion.classes).map { confusion[truth: truth, prediction: $0] }
      }
      record.unitDecisions = results.judge.decisions
    }
    record.calibration = results.judge.calibration
    let shown = try ShownSamples(task: task, model: model).chosen(
      from: samples, units: results.units, scores: record.perUnit[plan.headline.name] ?? [],
      lowerIsBetter: plan.headline.lowerIsBetter, places: results.firstPlaces)
    return EvaluatedSplit(record: record, samples: shown)
  }
}
