import Adapters
import Datasets
import Layers
import Recipes
import Synchronization
import Tensors
import Training

/// A run's model without its adapters on samples of the training part, for initializations that look
/// at data (`CalibrationProbe`).
///
/// Samples are those of the first training batches; the loss is the recipe's. All values count as
/// trained while it is used.
final class Calibration: CalibrationProbe {
  private let model: AssembledModel
  private let data: PreparedData
  private let task: any TaskRun
  private let seed: UInt64
  private let size: Int
  /// Batches that were read, by number.
  private let read = Mutex<[Int: Batch]>([:])

  /// `model` has no adapters.
  init(_ plan: RunPlan, model: AssembledModel, data: PreparedData, threads: Int) throws {
    self.model = model
    self.data = data
    task = try taskRun(plan, model: model, data: data, team: Team(threads: threads))
    seed = UInt64(bitPattern: Int64(plan.recipe.seed))
    size = max(1, try data.batch(0).count)
    for parameter in model.tree.parameters { parameter.isTrainable = true }
  }

  var count: Int { data.samples(.train).reduce(0) { $0 + $1.count } }

  var parameters: [Parameter] { model.tree.parameters }

  func gradients(sample: Int) throws -> Gradients {
    try loss(sample, .training(seed: seed, step: 0, samples: sample..<(sample + 1))).gradients()
  }

  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) throws {
    for sample in samples { _ = try loss(sample, .evaluation.observingInputs(show)) }
  }

  func fineTune(steps: Int, learningRate: Double) throws {
    let diagnostics = Diagnostics()
    let options = Located(
      plain: ["lr": .number(learningRate), "weight_decay": 0],
      at: SourceLocation(source: "calibration"))
    var optimizer = AdamW(OptionReader(options, AdamW.options, diagnostics), diagnostics)
    for parameter in parameters { parameter.value = parameter.value.copied() }
    for step in 0..<steps {
      var batch = task.prepared(try self.batch(step))
      batch.spread(batch.sums)
      let value = task.loss(
        batch.fields, .training(seed: seed, step: step, samples: 0..<batch.count))
      let gradients = value.gradients()
      for parameter in parameters {
        guard let gradient = gradients[parameter.leaf] else { continue }
        optimizer.update(
          parameter, gradient: gradient, learningRate: learningRate, weightDecay: 0)
      }
    }
  }

  private func batch(_ number: Int) throws -> Batch {
    if let known = read.withLock({ $0[number] }) { return known }
    let batch = try data.batch(number)
    read.withLock { $0[number] = batch }
    return batch
  }

  /// The recipe's loss of one sample.
  private func loss(_ sample: Int, _ context: ForwardContext) throws -> Tensor {
    let batch = try batch(sample / size)
    let index = min(sample % size, batch.count - 1)
    let one = Batch(
      identifiers: [batch.identifiers[index]],
      fields: batch.fields.mapValues { $0.sliced(axis: 0, index..<(index + 1)) })
    var prepared = task.prepared(one)
    prepared.spread(prepared.sums)
    return task.loss(prepared.fields, context)
  }
}

/// Ranks that an earlier start of the same run found, in place of finding them again.
struct RecordedRanks: AdapterInitialization {
  static let name = "recorded"
  static let summary = "ranks of an earlier start"
  static let options: OptionTable = []
  static let needs = CalibrationNeed.weights

  /// By the target's path.
  private let ranks: [String: Int]
  private let alphas: [String: Double]
  /// What found them; it makes room for the values that a checkpoint holds.
  private let origin: (any AdapterInitialization)?

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    (ranks, alphas, origin) = ([:], [:], nil)
  }

  init(_ found: FoundRanks, adapter: String, origin: (any AdapterInitialization)?) {
    ranks = found.ranks[adapter] ?? [:]
    alphas = found.alphas?[adapter] ?? [:]
    self.origin = origin
  }

  func prepared(_ targets: [AdapterTarget], _ plan: AdapterPreparation) -> [AdapterTarget] {
    targets.map { target in
      let path = target.path(to: "")
      let rank = ranks[path] ?? 0
      let ranked = alphas[path].map { target.ranked(rank, alpha: $0) } ?? target.ranked(rank)
      return rank > 0 ? origin?.reserved(ranked) ?? ranked : ranked
    }
  }
}

/// Ranks that initializations found from data, by adapter and target: `adapters.json` of a run.
struct FoundRanks: Codable, Sendable {
  static let fileName = "adapters.json"

  var ranks: [String: [String: Int]]
  /// α of each beside them; nil in files of earlier versions, whose scaling was 1.
  var alphas: [String: [String: Double]]?

  /// Those of adapters whose first values or ranks are found from data; nil without any.
  ///
  /// `plans` are of the same adapters, since a model that was put together from recorded ranks does not
  /// know what found them.
  init?(_ model: AdaptedModel, _ plans: [AdapterPlan]) {
    ranks = [:]
    var alphas: [String: [String: Double]] = [:]
    for adapter in model.adapters {
      let name = adapter.settings.name
      guard plans.contains(where: { $0.settings.name == name && $0.looksAtData }) else { continue }
      func found<Value>(_ value: (AdapterTarget) -> Value) -> [String: Value] {
        Dictionary(
          uniqueKeysWithValues: adapter.modules.map { ($0.target.path(to: ""), value($0.target)) })
      }
      ranks[name] = found(\.rank)
      alphas[name] = found(\.alpha)
    }
    if ranks.isEmpty { return nil }
    self.alphas = alphas
  }
}
