import Adapters
import Backbones
import Layers
import Tensors
import TestSupport
import Testing
import Training

/// A small ViT with a frozen backbone, LoRA on all linear layers of its blocks and a trained head, as
/// the benchmark has it.
struct AdaptedViT: Sendable {
  private let vit: ViT
  private let model: AdaptedModel
  private let checkpoints: Bool

  init(depth: Int = 2, checkpointsActivations: Bool = false) throws {
    var configuration = ViTConfiguration()
    configuration.imageSize = [64, 64]
    configuration.patch = [8, 8]
    configuration.width = 48
    configuration.depth = depth
    configuration.heads = 3
    configuration.classes = 10
    let builder = ModelBuilder()
    vit = ViT(configuration, in: builder.root)
    builder.tree.initialize(seed: 1)
    var settings = AdapterSettings(name: "lora", method: "lora")
    settings.modulesToSave = [try Pattern("head")]
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 4)), on: builder.tree, defaults: ViT.defaultTargets,
      seed: 2)
    model = AdaptedModel(tree: builder.tree, adapters: [adapter], freezesBackbone: true)
    checkpoints = checkpointsActivations
  }

  /// Trains on one batch again and again; what the allocator had done after each step.
  func train(
    steps: Int, batch count: Int = 4, threads: Int = 1
  ) throws -> [Allocator.Statistics] {
    let batch = Batch(
      identifiers: (0..<count).map(String.init),
      fields: [
        "image": FiniteDifferences.values([count, 3, 64, 64], seed: 1).cast(to: .f32),
        "label": Tensor((0..<count).map { Int32($0 % 10) }, shape: [count]),
      ])
    let (vit, checkpoints) = (vit, checkpoints)
    var trainer = try Trainer(
      TrainingPlan(
        seed: 0, threads: threads, totalSteps: steps, stepsPerEpoch: 4,
        monitor: .init(name: "train/loss", lowerIsBetter: true)),
      schedule: Schedule(shape: .constant, totalSteps: steps),
      optimizer: AdamW(learningRate: 1e-3), trainable: model.trainable
    ) { fields, context in
      var context = context
      context.checkpointsActivations = checkpoints
      guard let image = fields["image"], let labels = fields["label"],
        let logits = vit(BackboneInput(image), context).logits
      else { preconditionFailure("a batch has images and labels") }
      return crossEntropy(logits, labels: labels)
    }
    var statistics: [Allocator.Statistics] = []
    var observers = Trainer.Observers()
    observers.stepped = { _ in
      statistics.append(Allocator.shared.statistics)
      Allocator.shared.resetPeak()
    }
    _ = try trainer.run(batches: { _ in batch }, evaluate: { _ in [:] }, observers: observers)
    return statistics
  }

  /// Bytes in tensors at the peak of a step, without those that are there before it.
  func peakBytes(batch count: Int) throws -> Int {
    let statistics = try train(steps: 3, batch: count)
    return statistics[2].peakBytesInUse - statistics[1].bytesInUse
  }
}
