import Adapters
import Attune
import Backbones
import Datasets
import Foundation
import Layers
import Recipes
import Synchronization
import Tensors
import TestSupport
import Testing
import Training

/// Images of a class each.
private struct Images: SampleSet {
  let count = 10

  func identifier(_ index: Int) -> String { "image \(index)" }
  func sample(_ index: Int, epoch: Int) -> [String: Tensor] {
    [
      "image": FiniteDifferences.values([3, 32, 32], seed: index).cast(to: .f32),
      "label": Tensor(Int32(index % 10)),
    ]
  }
}

/// The library's way to the same end: any loss over what the frozen blocks give.
@Suite("A frozen prefix of a ViT")
struct FrozenPrefixTests {
  /// A ViT of four blocks with LoRA on the last two and a trained head.
  private func model() throws -> SmallViT {
    var configuration = SmallViT.configuration
    configuration.depth = 4
    var adapter = try SmallViT.lora(["attn.qkv", "mlp.fc1"], saving: ["head"])
    adapter.layers = [2, 3]
    return try SmallViT(configuration, adapters: [adapter])
  }

  /// Losses of three epochs.
  private func losses(
    _ samples: any SampleSet, _ vit: SmallViT,
    logits: @escaping @Sendable ([String: Tensor], ForwardContext) -> Tensor?
  ) throws -> [Double] {
    let loader = Loader(
      [Loader.Source(name: "images", samples: samples)], batchSize: 4, seed: 5)
    var trainer = try Trainer(
      TrainingPlan(
        seed: 0, threads: 2, totalSteps: 9, stepsPerEpoch: 3,
        monitor: .init(name: "train/loss", lowerIsBetter: true)),
      schedule: Schedule(shape: .constant, totalSteps: 9),
      optimizer: AdamW(learningRate: 1e-3), trainable: vit.model.trainable
    ) { fields, context in
      guard let logits = logits(fields, context), let labels = fields["label"] else {
        preconditionFailure("a batch has labels")
      }
      return crossEntropy(logits, labels: labels)
    }
    var losses: [Double] = []
    var observers = Trainer.Observers()
    observers.stepped = { losses.append($0.loss) }
    _ = try trainer.run(
      batches: { step in
        let plan = loader.plan(step)
        return Batch(identifiers: plan.identifiers, fields: try loader.load(plan))
      }, evaluate: { _ in [:] }, observers: observers)
    return losses
  }

  @Test("runs once per image, and the losses are those of the whole model")
  func losses() throws {
    let plain = try model()
    let expected = try losses(Images(), plain) { fields, context in
      fields["image"].flatMap { plain.backbone(BackboneInput($0), context).logits }
    }
    let vit = try model()
    let prefix = try FrozenPrefix(
      of: vit.model, in: vit.network, named: "vit", movesStatistics: false)
    #expect(prefix.cut == 2)
    let folder = try TemporaryDirectory()
    let runs = Mutex(0)
    let stored = try StoredSamples(
      Images(), path: folder.path("features.records"), description: "small ViT"
    ) { fields in
      guard let image = fields["image"], let label = fields["label"] else { return [:] }
      runs.withLock { $0 += image.shape[0] }
      return prefix(BackboneInput(image)).merging(["label": label]) { $1 }
    }
    #expect(runs.withLock { $0 } == 1, "the first image shows the shapes")
    let found = try losses(stored, vit) { prefix.output($0, $1)?.logits }
    #expect(runs.withLock { $0 } == 11)
    #expect(found.count == 9)
    for (loss, other) in zip(found, expected) { #expect(abs(loss - other) <= 1e-6 * other) }
    #expect(found[8] < found[2])
  }

  @Test("is refused where it would not stay the same, with what to change")
  func refusals() throws {
    func refusal(
      _ adapter: AdapterSettings, moves: Bool = false, _ adjust: (inout ViTConfiguration) -> Void
    ) throws -> String {
      var configuration = SmallViT.configuration
      configuration.depth = 4
      adjust(&configuration)
      let vit = try SmallViT(configuration, adapters: [adapter])
      let error = #expect(throws: RunError.self) {
        _ = try FrozenPrefix(of: vit.model, in: vit.network, named: "vit", movesStatistics: moves)
      }
      #expect(error?.exitCode == .invalidRecipe)
      return "\(try #require(error))"
    }
    var late = try SmallViT.lora(["attn.qkv"])
    late.layers = [3]
    #expect(try refusal(late) { $0.dropPathRate = 0.1 }.contains("drop_path_rate 0.1"))
    #expect(try refusal(late) { $0.positionDropout = 0.1 }.contains("below block 3"))
    let embedding = try SmallViT.lora(["patch_embed.proj"])
    #expect(try refusal(embedding) { _ in }.contains("nothing frozen lies below"))
  }

  @Test("other models name those that can be cut")
  func uncuttable() throws {
    let builder = ModelBuilder()
    let diagnostics = Diagnostics()
    let nafnet = NAFNet(
      OptionReader(
        Located(.map([]), at: SourceLocation(source: "test")), NAFNet.options,
        diagnostics), for: DataShape(channels: 3),
      in: builder.root, diagnostics)
    let model = AdaptedModel(tree: builder.tree, adapters: [], freezesBackbone: true)
    let error = #expect(throws: RunError.self) {
      _ = try FrozenPrefix(
        of: model, in: .backbone(nafnet), named: "nafnet", movesStatistics: false)
    }
    let text = "\(try #require(error))"
    #expect(text.contains("model.backbone: nafnet cannot be cut"))
    #expect(text.contains("use morph or vit"))
  }
}
