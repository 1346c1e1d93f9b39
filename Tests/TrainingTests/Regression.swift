import Layers
import Recipes
import Tensors
import TestSupport
import Training

/// A small problem to train on: two linear layers with a GELU between, fitted to given values.
struct Regression: Sendable {
  let parameters: [Parameter]
  let loss: LossFunction

  init(dropout probability: Double = 0) {
    let builder = ModelBuilder()
    let first = Linear(builder.root / "first", inputs: 6, outputs: 8)
    let second = Linear(builder.root / "second", inputs: 8, outputs: 3)
    let dropout = Dropout(builder.root / "dropout", probability: probability)
    builder.tree.initialize(seed: 11)
    parameters = builder.tree.parameters
    loss = { fields, context in
      guard let x = fields["x"], let y = fields["y"] else {
        preconditionFailure("a batch has x and y")
      }
      return meanSquaredError(second(dropout(first(x, context).gelu(), context), context), y)
    }
  }

  init(parameters: [Parameter], loss: @escaping LossFunction) {
    self.parameters = parameters
    self.loss = loss
  }

  /// Values of all parameters, bit by bit.
  var bits: [[UInt32]] { parameters.map(\.value.bits) }

  /// Batch number `number` of `count` samples; equal numbers give equal values.
  static func batch(_ number: Int, count: Int = 8) -> Batch {
    Batch(
      identifiers: (0..<count).map { "sample \(number * count + $0)" },
      fields: [
        "x": FiniteDifferences.values([count, 6], seed: 2 * number).cast(to: .f32),
        "y": FiniteDifferences.values([count, 3], seed: 2 * number + 1).cast(to: .f32),
      ])
  }

  /// A trainer with plain settings, changed by `adjust`.
  func trainer(
    steps: Int, threads: Int = 1, schedule: Schedule.Shape = .constant,
    optimizer: any Optimizer = AdamW(learningRate: 0.01), resuming: LoadedState? = nil,
    ranks: any Communicator = SingleRank(), _ adjust: (inout TrainingPlan) -> Void = { _ in }
  ) throws -> Trainer {
    var plan = TrainingPlan(
      seed: 5, threads: threads, totalSteps: steps, stepsPerEpoch: 4,
      monitor: .init(name: "val/loss", lowerIsBetter: true))
    adjust(&plan)
    return try Trainer(
      plan, schedule: Schedule(shape: schedule, totalSteps: steps), optimizer: optimizer,
      trainable: parameters, resuming: resuming, ranks: ranks, loss: loss)
  }

  /// Trains and gives the values that followed.
  func trained(
    steps: Int, threads: Int = 1, optimizer: any Optimizer = AdamW(learningRate: 0.01),
    batches: (Int) -> Batch = { Regression.batch($0) },
    adjusting adjust: (inout TrainingPlan) -> Void = { _ in }
  ) throws -> [Tensor] {
    var trainer = try trainer(steps: steps, threads: threads, optimizer: optimizer, adjust)
    _ = try trainer.run(
      batches: batches, evaluate: { _ in [:] }, observers: Trainer.Observers())
    return parameters.map(\.value)
  }
}

/// Steepest descent without state: a step shows the gradient itself.
struct PlainDescent: Optimizer {
  static let name = "descent"
  static let summary = "steepest descent"
  static let options: OptionTable = []
  let learningRate: Double
  let weightDecay = 0.0
  /// Not counted.
  let reachedCount = 0
  var state = OptimizerState(tensors: [], counts: [:])

  init(_ options: OptionReader, _ diagnostics: Diagnostics) { self.init(learningRate: 1) }
  init(learningRate: Double) { self.learningRate = learningRate }

  mutating func forget(_ path: String) -> Int? { nil }

  mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    parameter.value = parameter.value - gradient.scaled(by: learningRate)
  }
}
