import Backbones
import Layers
import Recipes
import Tensors

/// Steps of a model with its adapters on constant random samples.
///
/// Model, adapters and optimizer come from the text of a recipe, so that what is timed is what a
/// recipe trains.
protocol ModelBenchmark: Benchmark, Sendable {
  /// Reads its options; contradictions go to `diagnostics`.
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// Name of the model in the result.
  var model: String { get }
  /// Rank of the adapters, nil without one.
  var rank: Int? { get }
  /// Sizes of one sample.
  var sampleShape: [Int] { get }
  /// Whether blocks are computed again on the way back.
  var checkpointsActivations: Bool { get }
  /// The model's `model`, `adapter` and `train.optimizer` as recipes write them.
  var recipe: String { get }
  /// What the backbone is told of the data.
  var data: DataShape { get }

  /// Samples and targets of `count` samples, the same in every step.
  func fields(count: Int) -> [String: Tensor]

  /// What the model gives for the samples.
  func output(
    _ model: AssembledModel, _ fields: [String: Tensor], _ context: ForwardContext
  ) -> Tensor

  /// Mean loss of an output, a scalar.
  func loss(_ output: Tensor, _ fields: [String: Tensor]) -> Tensor

  /// Adds the operations of a step over `count` samples.
  func count(_ work: inout StepWork, _ model: AssembledModel, count: Int)
}

extension ModelBenchmark {
  var checkpointsActivations: Bool { false }

  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport {
    let benchmark = Self(options, diagnostics)
    let settings = BenchSettings(options)
    return { try ModelBenchRun(benchmark, settings).result() }
  }
}

/// Options that every benchmark of a model takes.
func commonBenchOptions(batch: Int) -> OptionTable {
  [
    Option("batch", .integer, default: .value(.integer(batch)), range: .atLeast(1), "Samples."),
    Option("threads", .integer, default: 1, range: .atLeast(1), "Threads."),
    Option("precision", .choice(Precision.self), default: "fp32", "Arithmetic."),
    Option("mode", .choice(BenchSettings.Mode.self), default: "train", "A step, or inference."),
    Option(
      "steps", .integer, default: 5, range: .atLeast(1), "Timed steps, after two to warm up."),
  ]
}

/// The options that every benchmark of a model takes, decoded.
struct BenchSettings {
  enum Mode: String, CaseIterable { case train, infer }

  let batch: Int
  let threads: Int
  let precision: Precision
  let mode: Mode
  let steps: Int

  init(_ options: OptionReader) {
    batch = options.int("batch")
    threads = options.int("threads")
    precision = options.choice("precision", as: Precision.self)
    mode = options.choice("mode", as: Mode.self)
    steps = options.int("steps")
  }
}

/// Standard normal values that depend on the seed alone.
func benchNoise(_ shape: [Int], seed: UInt64 = 0) -> Tensor {
  var random = Philox(seed: seed, purpose: .initialization, step: 0, index: 0)
  let count = shape.reduce(1, *)
  return Tensor((0..<count).map { _ in Float(random.normal()) }, shape: shape)
}

/// Labels 0, 1, 2 … over and over, i32 `[count]`.
func benchLabels(_ count: Int, classes: Int) -> Tensor {
  Tensor((0..<count).map { Int32($0 % classes) }, shape: [count])
}

extension AssembledModel {
  /// Logits of the architecture's own head.
  func logits(_ image: Tensor, _ context: ForwardContext) -> Tensor {
    guard case .backbone(let backbone) = network,
      let logits = backbone(BackboneInput(["image": image]), inPrecision(context)).logits
    else { preconditionFailure("\(backboneName) gives no logits of its own") }
    return logits
  }
}
