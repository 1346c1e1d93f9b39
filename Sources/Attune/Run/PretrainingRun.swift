import Backbones
import Datasets
import Layers
import Recipes
import Tasks
import Tensors
import Training

/// Task `pretrain-mae`: reconstruction of masked input.
///
/// Every sample is judged by itself, under masks drawn for its place in its part, so that the value
/// depends neither on the batch size nor on the number of threads.
struct PretrainingRun: TaskRun {
  private let plan: RunPlan
  private let model: AssembledModel
  private let autoencoder: any MaskedAutoencoder
  private let names: InputNames
  private let data: PreparedData
  private let team: Team

  init(_ plan: RunPlan, model: AssembledModel, data: PreparedData, team: Team) throws {
    guard case .autoencoder(let autoencoder) = model.network else {
      preconditionFailure("\(model.backboneName): task pretrain-mae without an autoencoder")
    }
    self.plan = plan
    self.model = model
    self.autoencoder = autoencoder
    self.data = data
    self.team = team
    names = model.inputNames
    try SplitPart.allCases.flatMap(data.samples).forEach(check)
  }

  /// Refuses samples that lack what the model needs beside their values, or are of another size.
  private func check(_ samples: any SampleSet) throws {
    try autoencoder.check(names.input(Self.batch(of: samples, 0)))
  }

  /// One sample as a batch.
  private static func batch(of samples: any SampleSet, _ index: Int) throws -> [String: Tensor] {
    try samples.sample(index, epoch: 0).mapValues { $0.reshaped(to: [1] + $0.shape) }
  }

  var loss: LossFunction {
    let (autoencoder, names, model) = (autoencoder, names, model)
    return { fields, context in
      autoencoder(names.input(fields), model.inPrecision(context)).loss
    }
  }

  func validation(_ features: OpenFeatures?) throws -> [String: Double] {
    let units = try reconstructions(.val)
    guard !units.isEmpty else { return [:] }
    return ["val/loss": units.reduce(0) { $0 + $1.loss } / Double(units.count)]
  }

  func evaluate(_ part: SplitPart, checkpoint: String, step: Int) throws -> EvaluatedSplit {
    let clock = ContinuousClock.now
    let units = try reconstructions(part)
    let bootstrap = Bootstrap(
      resamples: max(1, plan.recipe.evaluation.bootstrapResamples),
      seed: UInt64(bitPattern: Int64(plan.recipe.seed)))
    func metric(_ values: [Double]) -> [RunRecord.Metric] {
      let interval = bootstrap.interval(ofMean: values)
      return [
        RunRecord.Metric(
          name: ReconstructionLoss.name, value: values.reduce(0, +) / Double(values.count),
          ciLower: interval?.lower, ciUpper: interval?.upper, count: values.count, unit: "",
          lowerIsBetter: true, formula: ReconstructionLoss.formula)
      ]
    }
    let losses = units.map(\.loss)
    let baselines = units.compactMap(\.baseline)
    let hasBaseline = baselines.count == units.count
    let name = ReconstructionLoss.name
    return EvaluatedSplit(
      record: RunRecord.Evaluation(
        split: part.rawValue, checkpoint: checkpoint, step: step, headline: name,
        metrics: metric(losses), baselineName: plan.task.baselineName,
        baseline: hasBaseline ? metric(baselines) : [], unitIdentifiers: units.map(\.identifier),
        perUnit: [name: losses], baselinePerUnit: hasBaseline ? [name: baselines] : [:],
        byRolloutStep: [:], seconds: (ContinuousClock.now - clock) / .seconds(1)),
      samples: [])
  }

  /// One sample's loss and that of the trivial guess.
  fileprivate struct Unit: Sendable {
    let identifier: String
    let loss: Double
    let baseline: Double?
  }

  private func reconstructions(_ part: SplitPart) throws -> [Unit] {
    let seed = UInt64(bitPattern: Int64(plan.recipe.seed))
    var first = 0
    return try data.samples(part).flatMap { samples in
      let start = first
      first += samples.count
      return try team.results(
        samples.count, write: { $0.write(to: &$1) }, read: { Unit(from: &$0) }
      ) { index in
        let fields = try Self.batch(of: samples, index)
        let place = start + index
        let result = autoencoder(
          names.input(fields),
          model.inPrecision(.evaluation(seed: seed, samples: place..<(place + 1))))
        return Unit(
          identifier: samples.identifier(index), loss: result.loss.scalar,
          baseline: result.baseline)
      }
    }
  }
}

extension PretrainingRun.Unit {
  fileprivate func write(to writer: inout ByteWriter) {
    writer.append(identifier)
    writer.append(loss)
    writer.append(baseline.map { [$0] } ?? [])
  }

  fileprivate init(from reader: inout ByteReader) {
    identifier = reader.text()
    loss = reader.value()
    baseline = reader.array(of: Double.self).first
  }
}
