import Foundation
package import Recipes

/// A learning-rate schedule that recipes can name.
package protocol Scheduler: RegistryEntry {
  /// The shape after the warm-up.
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape
}

/// Options that every schedule has.
private let commonOptions: OptionTable = [
  Option(
    "warmup_steps", .integer, default: 0, range: .atLeast(0),
    "Steps of linear growth from 0 at the start."),
  Option(
    "warmup_ratio", .number, default: .absent, range: .within(0...1),
    "The same as a share of all steps."),
  Option(
    "warmup_epochs", .number, default: .absent, range: .atLeast(0), "The same in epochs."),
  Option("min_lr", .number, default: 0, range: .atLeast(0), "Rate at the end of the schedule."),
]

extension Schedule {
  /// Reads a schedule for a run of known length.
  package init(
    _ scheduler: any Scheduler.Type, _ options: OptionReader, totalSteps: Int, stepsPerEpoch: Int
  ) {
    var warmup = options.int("warmup_steps")
    if let ratio = options.optionalNumber("warmup_ratio") {
      warmup = Int((ratio * Double(totalSteps)).rounded())
    }
    if let epochs = options.optionalNumber("warmup_epochs") {
      warmup = Int((epochs * Double(stepsPerEpoch)).rounded())
    }
    self.init(
      shape: scheduler.shape(options, stepsPerEpoch: stepsPerEpoch),
      warmupSteps: min(warmup, totalSteps),
      totalSteps: totalSteps, minimumRate: options.number("min_lr"))
  }
}

/// The schedules that recipes can name.
package let schedulers = Registry<any Scheduler.Type>(
  kind: "lr_scheduler",
  [
    ConstantScheduler.self,
    CosineRestartsScheduler.self,
    CosineScheduler.self,
    LinearScheduler.self,
    PlateauScheduler.self,
    StepScheduler.self,
  ])

enum ConstantScheduler: Scheduler {
  static let name = "constant"
  static let summary = "the same rate throughout"
  static let options = commonOptions
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape { .constant }
}

enum LinearScheduler: Scheduler {
  static let name = "linear"
  static let summary = "falls linearly to min_lr"
  static let options = commonOptions
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape { .linear }
}

enum CosineScheduler: Scheduler {
  static let name = "cosine"
  static let summary = "half a cosine down to min_lr"
  static let options = commonOptions
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape { .cosine }
}

enum CosineRestartsScheduler: Scheduler {
  static let name = "cosine-restarts"
  static let summary = "cosine cycles that start again at the full rate (arXiv 1608.03983)"
  static let options = commonOptions.adding([
    Option("t_0", .interval, default: .required, "Length of the first cycle."),
    Option("t_mult", .integer, default: 1, range: .atLeast(1), "Growth of each further cycle."),
    Option(
      "counts_warmup", .boolean, default: false,
      "Whether the first cycle begins with the run, beneath the warm-up, and not after it."),
  ])
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape {
    let first =
      switch options.interval("t_0") {
      case .steps(let steps): steps
      case .epochs(let epochs): epochs * stepsPerEpoch
      }
    return .cosineRestarts(
      first: max(1, first), factor: max(1, options.int("t_mult")),
      countsWarmup: options.bool("counts_warmup"))
  }
}

enum StepScheduler: Scheduler {
  static let name = "step"
  static let summary = "times gamma every step_size steps"
  static let options = commonOptions.adding([
    Option("step_size", .integer, default: .required, range: .atLeast(1), "Steps between changes."),
    Option("gamma", .number, default: 0.1, range: .above(0), "Factor of each change."),
  ])
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape {
    .step(every: max(1, options.int("step_size")), factor: options.number("gamma"))
  }
}

enum PlateauScheduler: Scheduler {
  static let name = "plateau"
  static let summary = "times factor when train.monitor stops improving"
  static let options = commonOptions.adding([
    Option("factor", .number, default: 0.1, range: .between(0, 1), "Factor of each change."),
    Option(
      "patience", .integer, default: 10, range: .atLeast(0),
      "Evaluations without improvement before a change."),
  ])
  static func shape(_ options: OptionReader, stepsPerEpoch: Int) -> Schedule.Shape {
    .plateau(factor: options.number("factor"), patience: options.int("patience"))
  }
}
