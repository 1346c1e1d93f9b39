import Backbones
import Layers
import Recipes
import Tensors

/// LoRA on the four linear layers of every block of a vision transformer, the head trained in full.
///
/// The work of PEFT's LoRA on timm's model: alpha twice the rank, AdamW, cross entropy over 10 classes
/// of constant random images.
struct ViTLoRABenchmark: ClassifierBenchmark {
  static let name = "vit-lora"
  static let summary = "a LoRA step of a vision transformer, its head trained in full"
  static let options = commonBenchOptions(batch: 8).adding([
    Option("model", .text, default: "vit_small_patch16_224", "timm's name."),
    Option("rank", .integer, default: 8, range: .atLeast(1), "Rank of LoRA."),
    Option(
      "image-size", .integer, default: 224, range: .atLeast(1), unit: "pixels",
      "Side of the images."),
    Option("checkpointing", .boolean, default: false, "Computes blocks again on the way back."),
  ])
  let classes = 10

  let model: String
  let checkpointsActivations: Bool
  private let loraRank: Int
  private let imageSize: Int

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    model = options.text("model")
    loraRank = options.int("rank")
    imageSize = options.int("image-size")
    checkpointsActivations = options.bool("checkpointing")
  }

  var rank: Int? { loraRank }
  var sampleShape: [Int] { [3, imageSize, imageSize] }
  var data: DataShape {
    DataShape(imageSize: [imageSize, imageSize], channels: 3, classes: classes)
  }

  var recipe: String {
    """
    model:
      backbone: {name: vit, model: '\(model.replacing("'", with: "''"))'}
      weights: none
    adapter:
      method: lora
      r: \(loraRank)
      alpha: \(2 * loraRank)
      target_modules: [attn.qkv, attn.proj, mlp.fc1, mlp.fc2]
      modules_to_save: [head]
    train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-3}}
    """
  }

  func count(_ work: inout StepWork, _ model: AssembledModel, count: Int) {
    guard case .backbone(let backbone) = model.network, let vit = backbone as? ViT else { return }
    work.countViT(vit.configuration, images: count, rank: loraRank, classes: classes)
  }
}
