import Adapters
import Backbones
import Foundation
import Launch
import Layers
import Recipes
import Tensors
import Training

/// A benchmark with its model, ready to be timed.
struct ModelBenchRun {
  static let warmUpSteps = 2

  private let benchmark: any ModelBenchmark
  private let settings: BenchSettings
  private let model: AssembledModel
  private let optimizer: any Optimizer

  init(_ benchmark: any ModelBenchmark, _ settings: BenchSettings) throws {
    self.benchmark = benchmark
    self.settings = settings
    var (model, optimizer) = try Self.assembled(
      benchmark.recipe, benchmark.data, "bench \(type(of: benchmark).name)")
    model.precision = settings.precision
    (self.model, self.optimizer) = (model, optimizer)
    try Self.check(benchmark, model)
  }

  /// Model and optimizer of a benchmark's recipe; its data are the benchmark's own.
  static func assembled(
    _ sections: String, _ data: DataShape, _ source: String
  ) throws -> (AssembledModel, any Optimizer) {
    let diagnostics = Diagnostics()
    let head = "version: 1\nname: bench\ntask: bench\ndata: {format: none, split: {method: none}}\n"
    let recipe = try RecipeLoader(environment: [:]).load(
      text: head + sections, source: source, diagnostics)
    let registries = Registries.standard
    let plan = ModelPlan(recipe, nil, registries, diagnostics)
    let component = recipe.train.optimizer
    let optimizer = registries.optimizers.entry(for: component, diagnostics).map { type in
      type.init(OptionReader(component, type.options, diagnostics), diagnostics)
    }
    try diagnostics.throwErrors()
    guard let plan, let optimizer else { throw RecipeError(diagnostics) }
    return (try plan.assemble(for: data), optimizer)
  }

  private static func check(_ benchmark: any ModelBenchmark, _ model: AssembledModel) throws {
    let names = model.inputNames.shapes(
      Dictionary(
        uniqueKeysWithValues: ["image", "state"].map { ($0, benchmark.sampleShape) }))
    do {
      try model.network.check(names)
    } catch {
      throw CommandLineError(description: "bench \(type(of: benchmark).name): \(error)")
    }
  }

  /// Runs the steps, each between two measurements of the ceiling.
  func result() throws -> BenchResult {
    let timing = try settings.mode == .train ? trained() : inferred()
    var work = StepWork(isTraining: settings.mode == .train)
    benchmark.count(&work, model, count: settings.batch)
    let seconds = timing.seconds.sorted()
    let median = middle(seconds)
    let operations = work.operations * 1e-9
    let shares = zip(timing.seconds, timing.ceilings).map {
      operations / ($0 * $1 * Double(settings.threads))
    }
    let environment = runEnvironment(threads: settings.threads)
    return BenchResult(
      engine: "attune \(programVersion)", benchmark: type(of: benchmark).name,
      model: benchmark.model, mode: settings.mode.rawValue, batch: settings.batch,
      rank: .init(value: benchmark.rank), threads: settings.threads,
      precision: settings.precision.rawValue, checkpointing: benchmark.checkpointsActivations,
      shape: benchmark.sampleShape, medianStepSeconds: median, shortestStepSeconds: seconds[0],
      imagesPerSecond: Double(settings.batch) / median, startSeconds: timing.ready,
      peakMegabytes: Double(peakResidentBytes()) / 1_048_576, parameters: model.adapted.totalCount,
      adaptedModules: Set(model.tree.sites.filter(\.isAdapted).map(\.path)).count,
      trainableParameters: model.adapted.trainableCount,
      ceilingRate: middle(timing.ceilings),
      work: operations, shareOfCeiling: middle(shares),
      allocationsAfterWarmUp: timing.allocations, instructionSet: environment.instructionSet,
      processor: environment.processor, libraries: environment.libraries)
  }

  /// Seconds of the timed steps with the ceiling around each, age of the process after the warm-up,
  /// blocks allocated since.
  private struct Timing {
    var seconds: [Double] = []
    var ceilings: [Double] = []
    var ready = 0.0
    var allocations = 0
    let lastStep: Int
    private let ceiling: ProductCeiling
    private let threads: Int
    private var rate = 0.0
    private var last = ContinuousClock.now

    init(_ settings: BenchSettings, _ ceiling: ProductCeiling) {
      lastStep = warmUpSteps + settings.steps
      threads = settings.threads
      self.ceiling = ceiling
    }

    /// Marks the end of a step, and measures the ceiling before the next.
    mutating func mark(step: Int) {
      let now = ContinuousClock.now
      guard step >= warmUpSteps else { return }
      if step == warmUpSteps { ready = processAge() }
      let rate = ceiling.measured(threads: threads)
      if step > warmUpSteps {
        seconds.append((now - last) / .seconds(1))
        ceilings.append((self.rate + rate) / 2)
      }
      self.rate = rate
      let total = Allocator.shared.statistics.systemAllocations
      if step == warmUpSteps { allocations = -total }
      if step == lastStep { allocations += total }
      last = ContinuousClock.now
    }
  }

  private var timing: Timing {
    Timing(settings, ProductCeiling(of: model.tree, settings.precision))
  }

  /// Steps of the training loop on one batch that never changes.
  private func trained() throws -> Timing {
    let batch = Batch(
      identifiers: (0..<settings.batch).map(String.init),
      fields: benchmark.fields(count: settings.batch))
    let (benchmark, model) = (benchmark, model)
    let loss: LossFunction = { fields, context in
      var context = context
      context.checkpointsActivations = benchmark.checkpointsActivations
      return benchmark.loss(benchmark.output(model, fields, context), fields)
    }
    var timing = timing
    let plan = TrainingPlan(
      seed: 0, threads: model.trainingShards(threads: settings.threads),
      totalSteps: timing.lastStep, stepsPerEpoch: timing.lastStep,
      monitor: .init(name: "train/loss", lowerIsBetter: true),
      samplesPerPass: samplesPerPass)
    var trainer = try Trainer(
      plan, schedule: Schedule(shape: .constant, totalSteps: timing.lastStep),
      optimizer: optimizer, trainable: model.adapted.trainable, loss: loss)
    var observers = Trainer.Observers()
    observers.stepped = { timing.mark(step: $0.step) }
    _ = try trainer.run(batches: { _ in batch }, evaluate: { _ in [:] }, observers: observers)
    return timing
  }

  private var samplesPerPass: Int? {
    let shape = ["image": [1] + benchmark.sampleShape]
    return model.network.samplesPerPass(shape)
  }

  /// Forward passes in evaluation with the adapters in place, the batch split over the threads.
  private func inferred() throws -> Timing {
    let fields = benchmark.fields(count: settings.batch)
    let trained = model.adapted.trainable
    for parameter in trained { parameter.isTrainable = false }
    defer { for parameter in trained { parameter.isTrainable = true } }
    let parts = min(settings.threads, settings.batch)
    let (benchmark, model, batch) = (benchmark, model, settings.batch)
    let shards = (0..<parts).map { part in
      Batch.passes(
        (part * batch / parts)..<((part + 1) * batch / parts), samples: samplesPerPass
      ).map { range in fields.mapValues { $0.sliced(axis: 0, range) } }
    }
    var timing = timing
    for step in 1...timing.lastStep {
      _ = try concurrentResults(parts, threads: parts) {
        for fields in shards[$0] { _ = benchmark.output(model, fields, .evaluation) }
      }
      timing.mark(step: step)
    }
    return timing
  }
}

/// The median.
private func middle(_ values: [Double]) -> Double {
  let (sorted, half) = (values.sorted(), values.count / 2)
  return values.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/// Seconds since the system started this process, exact to its clock tick.
private func processAge() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_BOOTTIME, &now)
  let text = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
  // Field 22; the second, the program's name in parentheses, may hold spaces.
  let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
  guard fields.count > 19, let ticks = Double(fields[19]) else { return 0 }
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9 - ticks
    / Double(sysconf(Int32(_SC_CLK_TCK)))
}
