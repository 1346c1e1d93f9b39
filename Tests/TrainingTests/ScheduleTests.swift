import Checkpoints
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("Learning-rate schedules")
struct ScheduleTests {
  /// A schedule by its name in recipes, with rates at some steps of 100 for a base of 1.
  struct Shape: Sendable, CustomTestStringConvertible {
    let type: String
    let name: String
    let options: PlainValue
    let rates: [(step: Int, rate: Double)]
    var testDescription: String { "\(name) \(options)" }
  }

  static let shapes: [Shape] = [
    Shape(
      type: "ConstantScheduler", name: "constant", options: [:],
      rates: [(0, 1), (50, 1), (99, 1)]),
    Shape(
      type: "ConstantScheduler", name: "constant", options: ["warmup_steps": 4],
      rates: [(0, 0.25), (1, 0.5), (3, 1), (4, 1), (99, 1)]),
    Shape(
      type: "LinearScheduler", name: "linear", options: ["min_lr": 0.2],
      rates: [(0, 1), (50, 0.6), (100, 0.2), (120, 0.2)]),
    Shape(
      type: "LinearScheduler", name: "linear", options: ["warmup_epochs": 2],
      rates: [(0, 0.05), (19, 1), (20, 1), (60, 0.5), (100, 0)]),
    Shape(
      type: "CosineScheduler", name: "cosine", options: [:],
      rates: [(0, 1), (25, 0.5 + 0.5 * 0.5.squareRoot()), (50, 0.5), (100, 0)]),
    Shape(
      type: "CosineScheduler", name: "cosine", options: ["warmup_ratio": 0.1, "min_lr": 0.1],
      rates: [(0, 0.1), (9, 1), (10, 1), (55, 0.55), (100, 0.1)]),
    Shape(
      type: "CosineRestartsScheduler", name: "cosine-restarts", options: ["t_0": 10, "t_mult": 2],
      rates: [(0, 1), (5, 0.5), (10, 1), (20, 0.5), (30, 1), (50, 0.5), (70, 1)]),
    Shape(
      type: "CosineRestartsScheduler", name: "cosine-restarts",
      options: ["t_0": "2 epochs", "warmup_steps": 4],
      rates: [(0, 0.25), (3, 1), (4, 1), (14, 0.5), (24, 1), (34, 0.5)]),
    Shape(
      type: "CosineRestartsScheduler", name: "cosine-restarts",
      options: ["t_0": "2 epochs", "warmup_steps": 10, "counts_warmup": true],
      rates: [(0, 0.1), (9, 1), (10, 0.5), (20, 1), (30, 0.5), (40, 1)]),
    Shape(
      type: "StepScheduler", name: "step", options: ["step_size": 30, "gamma": 0.5],
      rates: [(0, 1), (29, 1), (30, 0.5), (59, 0.5), (60, 0.25), (90, 0.125)]),
    Shape(
      type: "PlateauScheduler", name: "plateau", options: ["factor": 0.5, "patience": 2],
      rates: [(0, 1), (99, 1)]),
  ]

  @Test("have the shape that they are named for", arguments: shapes)
  func shape(_ wanted: Shape) throws {
    let type = try schedulers.entry(named: wanted.name)
    #expect(String(describing: type) == wanted.type)
    let diagnostics = Diagnostics()
    let options = OptionReader(
      Located(plain: wanted.options, at: SourceLocation(source: "test")), type.options, diagnostics)
    try diagnostics.throwErrors()
    let schedule = Schedule(type, options, totalSteps: 100, stepsPerEpoch: 10)
    for (step, rate) in wanted.rates {
      let found = schedule.rate(base: 1, step: step)
      #expect(abs(found - rate) < 1e-12, "step \(step): \(found), expected \(rate)")
      #expect(abs(schedule.rate(base: 0, step: step)) <= 0.2, "step \(step) of a group at rest")
    }
  }

  private struct PlateauCase: Decodable {
    let initialRate: Double
    let factor: Double
    let patience: Int
    let losses: [Double]
    let rates: [Double]
    private enum CodingKeys: String, CodingKey {
      case factor, patience
      case initialRate = "initial_lr"
      case losses = "val_losses"
      case rates = "lr_after_each"
    }
  }

  @Test(
    "plateau lowers the rate when the reference does",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: Fixture.all(in: "morph") { $0 == "c15_reduce_lr_on_plateau" })
  func plateau(fixture: Fixture) throws {
    let wanted = try fixture.decoded(as: PlateauCase.self)
    var schedule = Schedule(
      shape: .plateau(factor: wanted.factor, patience: wanted.patience), totalSteps: 100)
    #expect(wanted.losses.count == wanted.rates.count)
    for (loss, rate) in zip(wanted.losses, wanted.rates) {
      schedule.observe(loss)
      #expect(abs(schedule.rate(base: wanted.initialRate, step: 0) - rate) < 1e-12)
    }
    Parity.passed(fixture.name)
  }

  private struct RestartCase: Decodable {
    struct Config: Decodable {
      let base_lr: Double
      let eta_min: Double
      let T_0: Int
      let T_mult: Int
      let warmup_epochs: Int
      let batches_per_epoch: Int
      let lora_lr_scale: Double
    }
    let config: Config
  }

  @Test(
    "cosine restarts give the rates of LoLA-SpecViT's trainer and of its unused scheduler",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: Fixture.all(in: "lola-specvit") { $0 == "schedule-reference" })
  func restarts(fixture: Fixture) throws {
    let config = try fixture.decoded(as: RestartCase.self).config
    let file = try SafetensorsFile(path: fixture.tensors.path)
    func agree(_ found: Double, _ expected: Double) -> Bool {
      abs(found - expected) <= 1e-10 * expected
    }

    // The trainer warms up by the epoch, all groups at one rate, and sets the rate of a batch after
    // the one before.
    let batches = config.batches_per_epoch
    let warmup = Schedule(shape: .constant, warmupSteps: config.warmup_epochs, totalSteps: 1000)
    let cycles = Schedule(
      shape: .cosineRestarts(
        first: config.T_0 * batches, factor: config.T_mult, countsWarmup: true),
      warmupSteps: config.warmup_epochs * batches, totalSteps: 1000, minimumRate: config.eta_min)
    let trainer = try file.tensor("output.trainer_lr").elements(as: Double.self)
    #expect(trainer.count == 320)
    for (index, rate) in trainer.enumerated() {
      let before = index / 2 - 1
      let base = index % 2 == 0 ? config.base_lr : 0.1 * config.base_lr
      let isWarm = before >= config.warmup_epochs * batches
      let found =
        isWarm
        ? cycles.rate(base: base, step: before)
        : warmup.rate(
          base: config.base_lr, step: min(config.warmup_epochs - 1, (before + 1) / batches))
      #expect(agree(found, rate), "batch \(index / 2), group \(index % 2)")
    }

    // The other one steps by calls; what it multiplies a group by is the group's own rate.
    let calls = Schedule(
      shape: .cosineRestarts(first: config.T_0, factor: config.T_mult), totalSteps: 1000,
      minimumRate: config.eta_min)
    let scaled = config.eta_min + config.lora_lr_scale * (config.base_lr - config.eta_min)
    let bases = [scaled, 0.1 * config.base_lr, config.base_lr]
    for (index, rate) in try file.tensor("output.clr_lr").elements(as: Double.self).enumerated() {
      #expect(agree(calls.rate(base: bases[index % 3], step: index / 3), rate), "call \(index / 3)")
    }
    Parity.passed(fixture.name)
  }
}
