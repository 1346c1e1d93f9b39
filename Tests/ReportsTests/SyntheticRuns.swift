import Foundation
import Recipes
import Reports

/// Runs that never ran, with numbers that are easy to tell apart.
enum SyntheticRuns {
  /// What a test wants to be different from the usual run.
  struct Options {
    var name = "lora"
    var seed = 0
    var learningRate = "1e-2"
    var trained = 67_456
    var hasWeights = true
    /// Headline value of the test part; units scatter around it.
    var score = 0.02
    var rolloutScore: Double? = 0.17
    var validation = 0.02
    var testDigest = "aa11bb22cc33dd44"
    var experimental = false
    var steps = 200
    var trainSeconds = 7.2
    var units = 64
  }

  static func run(_ change: (inout Options) -> Void = { _ in }) -> RunDocument {
    var options = Options()
    change(&options)
    return RunDocument(
      record: record(options), steps: steps(options), evaluations: evaluations(options),
      directory: "outputs/\(options.name)/\(digest(options).prefix(8))-s\(options.seed)")
  }

  /// Values scattered by up to 20 % around a mean, the same pattern for every run of a seed.
  static func units(around mean: Double, _ options: Options) -> [Double] {
    let pattern = (0..<options.units).map { sin(Double($0 * 7 + options.seed)) * 0.2 }
    let center = pattern.reduce(0, +) / Double(pattern.count)
    return pattern.map { mean * (1 + $0 - center) }
  }

  private static func digest(_ options: Options) -> String {
    let text = "\(options.name)\(options.learningRate)\(options.testDigest)"
    let hash = text.utf8.reduce(UInt64(1469)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    return String(repeating: String(format: "%016lx", UInt(hash)), count: 4)
  }

  private static func record(_ options: Options) -> RunRecord {
    var record = RunRecord(
      name: options.name, digest: digest(options), seed: options.seed, task: "pde",
      recipe: recipe(options),
      command: "attune train recipes/\(options.name).yaml --seed \(options.seed)",
      program: "attune 0.1.0",
      environment: .init(
        host: "node7", system: "Linux 6.1", processor: "Example CPU", instructionSet: "avx512",
        threads: 2, libraries: ["OpenBLAS": "0.3.21", "HDF5": "1.10.8"]),
      startedAt: "2026-08-01T10:00:00Z", finishedAt: "2026-08-01T10:00:09Z", wallSeconds: 9.4,
      trainSeconds: options.trainSeconds, peakMemoryBytes: 210_000_000, steps: options.steps,
      model: model(options), data: data(options), evaluations: [evaluation(options)])
    record.experimental = options.experimental
    record.samples = ["best", "median", "worst"].enumerated().map { index, rank in
      sample(rank, score: options.score * [0.6, 1, 2.4][index])
    }
    record.notes = ["The optional level 4 was not trained."]
    return record
  }

  private static func recipe(_ options: Options) -> String {
    """
    version: 1
    name: \(options.name)
    seed: \(options.seed)
    task: pde
    train:
      max_steps: \(options.steps)
      optimizer:
        name: adamw
        lr: \(options.learningRate)
      monitor: val/VRMSE
    eval:
      bootstrap: 400
      metrics:
      - VRMSE
      - nRMSE

    """
  }

  private static func model(_ options: Options) -> RunRecord.Model {
    let isAdapted = options.trained < 315_088
    let modules = (0..<3).flatMap { block in
      ["attn_t.q", "attn_t.k", "mlp.fc1", "mlp.fc2"].map { "blocks.\(block).\($0)" }
    }
    let adapter = RunRecord.Adapter(
      name: "lora", method: "lora", options: ["r": "8", "alpha": "16"], modules: modules,
      modulesToSave: ["blocks.0.norm1", "blocks.1.norm1", "pos_encoding"],
      parameters: options.trained, fileBytes: 4 * options.trained + 2100)
    return RunRecord.Model(
      backbone: "morph", options: ["dim": "64", "depth": "3", "patch": "(1, 1, 8)"],
      totalParameters: 315_088, trainableParameters: options.trained,
      adapters: isAdapted ? [adapter] : [],
      weights: options.hasWeights
        ? RunRecord.Weights(
          path: "weights/pretrained.safetensors", digest: String(repeating: "5e", count: 32),
          matched: 174, missing: [], unexpected: ["head.bias"], resized: [])
        : nil)
  }

  private static func data(_ options: Options) -> RunRecord.Data {
    RunRecord.Data(
      format: "pdebench",
      files: [
        .init(
          path: "data/reaction.h5", bytes: 1_033_216, digest: String(repeating: "0f", count: 32))
      ],
      splits: [
        "train": .init(units: 16, unitName: "trajectories", samples: 304),
        "val": .init(units: 16, unitName: "trajectories", samples: 304),
        "test": .init(units: options.units, unitName: "trajectories", samples: 1216),
      ],
      inputs: [
        .init(
          name: "state", bands: ["u"], unit: "1", shape: "T 21, W 128",
          resolution: "dx 0.0078, dt 0.05", normalization: "zscore", means: [0.5123],
          standardDeviations: [0.2311])
      ], skipped: [], splitMethod: "trajectory counts 16, 16, 64, seed 42.",
      testDigest: options.testDigest + String(options.seed))
  }

  private static func evaluation(_ options: Options) -> RunRecord.Evaluation {
    let formula = "per trajectory √(mean (p − y)² / (mean (y − ȳ)² + 1e-7))"
    func metric(_ name: String, _ value: Double) -> RunRecord.Metric {
      RunRecord.Metric(
        name: name, value: value, ciLower: value * 0.94, ciUpper: value * 1.06,
        count: options.units, unit: "", lowerIsBetter: true, formula: formula)
    }
    var values = ["VRMSE": options.score]
    values["VRMSE_rollout"] = options.rolloutScore
    var evaluation = RunRecord.Evaluation(
      split: "test", checkpoint: "best", step: options.steps, headline: "VRMSE",
      metrics: values.sorted { $0.key < $1.key }.map { metric($0.key, $0.value) }
        + [
          RunRecord.Metric(
            name: "MaxError", value: 0.31, ciLower: nil, ciUpper: nil, count: options.units,
            unit: "normalized units", lowerIsBetter: true, formula: "max |p − y|")
        ],
      baselineName: "last state",
      baseline: [metric("VRMSE", 0.194)]
        + (options.rolloutScore == nil ? [] : [metric("VRMSE_rollout", 2.16)]),
      unitIdentifiers: (0..<options.units).map { "trajectory \($0)" },
      perUnit: values.mapValues { units(around: $0, options) },
      baselinePerUnit: ["VRMSE": units(around: 0.194, options)], byRolloutStep: [:], seconds: 0.6)
    if let rollout = options.rolloutScore {
      evaluation.byRolloutStep = [
        "VRMSE_rollout": (1...19).map { rollout * Double($0 * $0) / 130 + options.score * 0.5 }
      ]
      evaluation.baselineByRolloutStep = ["VRMSE_rollout": (1...19).map { 0.2 * Double($0) }]
    }
    return evaluation
  }

  private static func steps(_ options: Options) -> [StepEvent] {
    (1...options.steps).map { step in
      let progress = Double(step) / Double(options.steps)
      let ripple = 1 + 0.3 * sin(Double(step) * 1.7)
      return StepEvent(
        step: step, batch: "00ff00ff00ff00ff",
        loss: (options.validation * options.validation + exp(-9 * progress)) * ripple,
        gradientNorm: (0.1 + exp(-5 * progress)) * ripple,
        learningRate: (Double(options.learningRate) ?? 0) * min(1, progress / 0.05)
          * (1 + cos(.pi * progress)) / 2)
    }
  }

  private static func evaluations(_ options: Options) -> [MetricsEvent] {
    (1...6).map { index in
      let rest = Double(6 - index) * 0.3
      return MetricsEvent(
        step: options.steps * index / 6, epoch: Double(index), seconds: Double(index),
        metrics: [
          "val/VRMSE": options.validation * (1 + rest),
          "val/loss": options.validation * options.validation * (1 + rest),
        ])
    }
  }

  private static func sample(_ rank: String, score: Double) -> RunRecord.Sample {
    func panel(
      _ title: String, signed: Bool = false, _ value: (Double, Double) -> Double
    ) -> RunRecord.Panel {
      let values = (0..<21).flatMap { t in
        (0..<128).map { x in Float(value(Double(t) / 20, Double(x) / 128)) }
      }
      return RunRecord.Panel(
        title: title, rows: 21, columns: 128, rowAxis: "t", columnAxis: "x", unit: "u",
        values: values, isSigned: signed)
    }
    let truth = { (t: Double, x: Double) in 0.5 + 0.4 * sin(2 * .pi * (2 * x - t)) * exp(-t) }
    let error = { (t: Double, x: Double) in score * t * cos(2 * .pi * 6 * x) }
    return RunRecord.Sample(
      identifier: "trajectory 17", rank: rank, score: score,
      panels: [
        panel("truth", truth), panel("prediction") { truth($0, $1) + error($0, $1) },
        panel("error", signed: true, error),
      ])
  }
}

extension SyntheticRuns {
  /// Three arms with several learning rates: an adapter, all parameters, and random weights.
  static func study(seeds: [Int] = [0]) -> [RunDocument] {
    seeds.flatMap { seed -> [RunDocument] in
      let shift = 1 + 0.05 * Double(seed)
      let lora = [("1e-3", 0.041), ("3e-3", 0.026), ("1e-2", 0.021), ("3e-2", 0.11)].map {
        rate, value in
        run {
          ($0.name, $0.seed, $0.learningRate) = ("lora", seed, rate)
          ($0.score, $0.rolloutScore, $0.validation) = (value * shift, 0.17 * shift, value)
        }
      }
      let full = [("3e-4", 0.031), ("1e-3", 0.022), ("3e-3", 0.025)].map { rate, value in
        run {
          ($0.name, $0.seed, $0.learningRate) = ("full", seed, rate)
          ($0.score, $0.rolloutScore, $0.validation) = (value, 0.13, value)
          ($0.trained, $0.trainSeconds) = (315_088, 6.0)
        }
      }
      let scratch = [("1e-3", 0.16), ("3e-3", 0.13), ("1e-2", 0.125)].map { rate, value in
        run {
          ($0.name, $0.seed, $0.learningRate) = ("scratch", seed, rate)
          ($0.score, $0.rolloutScore, $0.validation) = (value, 0.27, value)
          ($0.trained, $0.trainSeconds, $0.hasWeights) = (315_088, 6.1, false)
        }
      }
      return lora + full + scratch
    }
  }
}
