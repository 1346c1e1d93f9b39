/// `train`: how the model learns.
package struct TrainSection: Sendable {
  package enum Length: Sendable, Hashable {
    case epochs(Int)
    case steps(Int)
  }

  package struct RateGroup: Sendable {
    /// Module patterns; the first matching group wins.
    package let patterns: [String]
    /// Nil keeps the optimizer's.
    package let learningRate: Double?
    package let weightDecay: Double?
  }

  package struct LossTerm: Sendable {
    package let loss: Component
    package let weight: Double
  }

  package struct EarlyStopping: Sendable, Hashable {
    /// Evaluations without improvement.
    package let patience: Int
    package let minimumDelta: Double
  }

  package enum Mode: String, CaseIterable, Sendable { case min, max }
  package enum Precision: String, CaseIterable, Sendable { case fp32, bf16 }

  package enum Resume: Sendable, Hashable {
    case auto
    case never
    case checkpoint(String)
  }

  package enum Nonfinite: Sendable, Hashable {
    case stop
    /// Skip up to this many steps.
    case skip(Int)
  }

  package let length: Length
  package let accumulationSteps: Int
  package let optimizer: Component
  package let rateGroups: [RateGroup]
  package let scheduler: Component
  /// Terms of a sum; empty takes the task's loss.
  package let loss: [LossTerm]
  package let gradientNormLimit: Double?
  /// Decay of the moving average.
  package let averageDecay: Double?
  package let earlyStopping: EarlyStopping?
  /// Nil takes the task's headline metric.
  package let monitor: String?
  package let mode: Mode?
  package let precision: Precision
  package let checkpointsActivations: Bool
  package let cachesFrozenFeatures: Bool
  package let isDeterministic: Bool
  package let logInterval: Interval
  package let evaluationInterval: Interval
  package let saveInterval: Interval
  package let savesKept: Int
  package let resume: Resume
  package let nonfinite: Nonfinite

  init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    length = Length(reader, diagnostics)
    accumulationSteps = reader.int("gradient_accumulation_steps")
    optimizer = reader.component("optimizer")
    rateGroups = reader.tables("lr_groups").map { RateGroup($0, diagnostics) }
    scheduler = reader.component("lr_scheduler")
    loss = reader.components("loss").map {
      LossTerm(loss: $0, weight: $0.beside.number("weight"))
    }
    gradientNormLimit = reader.optionalNumber("clip_grad_norm")
    averageDecay = reader.optionalNumber("ema")
    earlyStopping = reader.optionalTable("early_stopping").map {
      EarlyStopping(patience: $0.int("patience"), minimumDelta: $0.number("min_delta"))
    }
    monitor = reader.optionalText("monitor")
    mode = reader.optionalChoice("mode", as: Mode.self)
    precision = reader.choice("precision", as: Precision.self)
    checkpointsActivations = reader.bool("activation_checkpointing")
    cachesFrozenFeatures = reader.bool("cache_frozen_features")
    isDeterministic = reader.bool("deterministic")
    logInterval = reader.interval("log_every")
    evaluationInterval = reader.interval("eval_every")
    saveInterval = reader.interval("save_every")
    savesKept = reader.int("save_total_limit")
    resume =
      reader.optionalPath("resume").map(Resume.checkpoint)
      ?? (reader.text("resume") == "never" ? .never : .auto)
    nonfinite = reader.optionalTable("nonfinite").map { .skip($0.int("skip")) } ?? .stop
  }
}

extension TrainSection.Length {
  fileprivate init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    switch (reader.optionalInt("epochs"), reader.optionalInt("max_steps")) {
    case (let epochs?, nil): self = .epochs(epochs)
    case (nil, let steps?): self = .steps(steps)
    case (_?, let steps?):
      self = .steps(steps)
      diagnostics.error(
        .rule("epochs and max_steps both say how long to train", mend: "keep one"),
        at: reader.location, path: reader.path)
    case (nil, nil):
      self = .steps(0)
      // A misspelled or wrong field has been reported; this would only follow from it.
      guard !diagnostics.errors.contains(where: { $0.path.hasPrefix("train.") }) else { return }
      diagnostics.error(
        .rule("nothing says how long to train", mend: "give epochs or max_steps"),
        at: reader.location, path: reader.path)
    }
  }
}

extension TrainSection.RateGroup {
  fileprivate init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    patterns = reader.optionalText("match").map { [$0] } ?? reader.texts("match")
    learningRate = reader.optionalNumber("lr")
    weightDecay = reader.optionalNumber("weight_decay")
    guard !reader.isGiven("lr"), !reader.isGiven("weight_decay") else { return }
    diagnostics.error(
      .rule("the group changes nothing", mend: "give lr or weight_decay"), at: reader.location,
      path: reader.path)
  }
}
