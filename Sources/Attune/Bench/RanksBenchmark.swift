import Adapters
import Backbones
import Foundation
import Launch
import Layers
import Recipes
import Tensors
import Training

/// Training steps of a vision transformer by all ranks that were started, and what their exchange costs.
struct RanksBenchmark: Benchmark {
  static let name = "ranks"
  static let summary = "training steps by several ranks, and sums over them; under mpirun"
  static let options: OptionTable = [
    Option("model", .text, default: "vit_small_patch16_224", "timm's name."),
    Option("batch", .integer, default: 8, range: .atLeast(1), "Samples of a step for each rank."),
    Option("rank", .integer, default: 8, range: .atLeast(0), "Rank of LoRA; 0 trains everything."),
    Option("threads", .integer, default: 1, range: .atLeast(1), "Threads of each rank."),
    Option("steps", .integer, default: 5, range: .atLeast(1), "Timed steps, after two."),
  ]

  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport {
    let (model, batch, rank) = (options.text("model"), options.int("batch"), options.int("rank"))
    let (threads, steps) = (options.int("threads"), options.int("steps"))
    return {
      let measured = try withRanks(say: { _ in }) { ranks, _ in
        let work = RankedSteps(
          model: model, batch: batch, rank: rank, threads: threads, steps: steps, ranks: ranks)
        return try work.measured()
      }
      return measured ?? SilentReport()
    }
  }
}

/// The steps, all by one of the ranks.
private struct RankedSteps {
  let model: String
  let batch: Int
  let rank: Int
  let threads: Int
  let steps: Int
  let ranks: any Communicator

  /// Lengths of the arrays that are added up, in values.
  private static let lengths = [1 << 10, 1 << 14, 1 << 18, 1 << 22]
  private static let repeats = 9

  private var recipe: String {
    let adapter = """
      adapter:
        method: lora
        r: \(rank)
        target_modules: [attn.qkv, attn.proj, mlp.fc1, mlp.fc2]
        modules_to_save: [head]
      """
    return """
      model:
        backbone: {name: vit, model: '\(model.replacing("'", with: "''"))'}
        weights: none
        freeze_backbone: \(rank > 0)
      \(rank > 0 ? adapter : "")
      train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-3}}
      """
  }

  func measured() throws -> RanksBenchResult {
    let shape = DataShape(imageSize: [224, 224], channels: 3, classes: 10)
    let (assembled, optimizer) = try ModelBenchRun.assembled(recipe, shape, "bench ranks")
    let trained = assembled.adapted.trainable
    let total = Self.warmUpSteps + steps
    let plan = TrainingPlan(
      seed: 0, threads: threads, totalSteps: total, stepsPerEpoch: total,
      monitor: .init(name: "train/loss", lowerIsBetter: true))
    var trainer = try Trainer(
      plan, schedule: Schedule(shape: .constant, totalSteps: total), optimizer: optimizer,
      trainable: trained, ranks: ranks
    ) { fields, context in
      guard let images = fields["image"], let labels = fields["label"] else {
        preconditionFailure("a batch has images and labels")
      }
      return crossEntropy(assembled.logits(images, context), labels: labels)
    }
    var (seconds, last) = ([Double](), ContinuousClock.now)
    var observers = Trainer.Observers()
    observers.stepped = { event in
      let now = ContinuousClock.now
      if event.step > Self.warmUpSteps { seconds.append((now - last) / .seconds(1)) }
      last = now
    }
    let samples = part
    _ = try trainer.run(batches: { _ in samples }, evaluate: { _ in [:] }, observers: observers)
    let gradients = trained.reduce(0) { $0 + 4 * $1.elementCount }
    return RanksBenchResult(
      model: model, rank: rank, ranks: ranks.count, threads: threads, batch: batch,
      trainable: trained.reduce(0) { $0 + $1.elementCount }, gradientBytes: gradients,
      sentBytes: 2 * gradients * (ranks.count - 1) / ranks.count,
      medianStep: median(seconds), leastStep: seconds.min() ?? 0,
      latency: try repeated { _ = try ranks.gather([0]) },
      sums: try Self.lengths.map { length in
        let values = [Float](repeating: 1, count: length)
        return .init(
          bytes: 4 * length, seconds: try repeated { _ = try ranks.sum(values).wait() })
      })
  }

  private static let warmUpSteps = 2

  /// This rank's part of a batch that never changes.
  private var part: Batch {
    let all = (0..<(batch * ranks.count)).map(String.init)
    let own = (ranks.rank * batch)..<((ranks.rank + 1) * batch)
    var random = Philox(seed: 0, purpose: .data, step: ranks.rank, index: 0)
    var part = Batch(
      identifiers: Array(all[own]),
      fields: [
        "image": Tensor(
          (0..<(batch * 3 * 224 * 224)).map { _ in Float(random.uniform()) },
          shape: [batch, 3, 224, 224]),
        "label": Tensor((0..<batch).map { Int32($0 % 10) }, shape: [batch]),
      ])
    (part.whole, part.first) = (all, own.lowerBound)
    return part
  }

  /// Median seconds of what all ranks do together.
  private func repeated(_ body: () throws -> Void) rethrows -> Double {
    median(
      try (0..<Self.repeats).map { _ in
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
      })
  }

  private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// What `bench ranks` measured, on the first rank.
private struct RanksBenchResult: BenchReport {
  struct Sum: Encodable, Sendable {
    var bytes: Int
    var seconds: Double
  }

  let benchmark = "ranks"
  var model: String
  var rank: Int
  var ranks: Int
  var threads: Int
  var batch: Int
  var trainable: Int
  /// Of all trained values, in single precision.
  var gradientBytes: Int
  /// By each rank in a step.
  var sentBytes: Int
  var medianStep: Double
  var leastStep: Double
  /// Of the smallest message from all to all.
  var latency: Double
  var sums: [Sum]

  private enum CodingKeys: String, CodingKey {
    case benchmark, model, rank, ranks, threads, batch, sums
    case trainable = "trainable_parameters"
    case gradientBytes = "gradient_bytes"
    case sentBytes = "sent_bytes"
    case medianStep = "median_step_s"
    case leastStep = "min_step_s"
    case latency = "latency_s"
  }

  var text: String {
    let rate = Double(batch * ranks) / medianStep
    let lines = [
      "ranks               \(ranks) of \(threads) threads, batch \(batch) each",
      "model               \(model), \(rank > 0 ? "LoRA of rank \(rank)" : "all parameters")",
      String(format: "step                %.4f s median, %.4f s least", medianStep, leastStep),
      String(format: "images              %.1f per s", rate),
      String(
        format: "gradients           %.2f MB, sent by each rank %.2f MB",
        Double(gradientBytes) / 1e6, Double(sentBytes) / 1e6),
      String(format: "smallest exchange   %.6f s", latency),
    ]
    return
      (lines
      + sums.map { sum in
        String(format: "sum of %9d B    %.6f s", sum.bytes, sum.seconds)
      }).joined(separator: "\n")
  }
}

/// What a rank that is not the first has to say.
private struct SilentReport: BenchReport {
  let isSilent = true
  let text = ""
}
