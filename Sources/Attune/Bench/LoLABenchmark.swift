import Backbones
import Layers
import Recipes
import Tensors

/// LoLA-SpecViT on constant random patches: its gated adapters alone are trained, or everything.
///
/// Rank 16 and alpha 32, without gate on the head, as the reference has it; its own dropouts act.
/// Cross entropy with label smoothing 0.1.
struct LoLABenchmark: ClassifierBenchmark {
  static let name = "lola"
  static let summary = "a step of the hyperspectral model LoLA-SpecViT, adapters or all parameters"
  private static let sizes = ["full", "base", "reduced", "tiny", "mini", "2layer"]
  static let options = commonBenchOptions(batch: 32).adding([
    Option("size", .oneOf(sizes), default: "tiny", "Preset; full is the reference's default."),
    Option("bands", .integer, default: 15, range: .atLeast(1), "Spectral components."),
    Option("patch", .integer, default: 15, range: .atLeast(2), unit: "pixels", "Side of a patch."),
    Option("classes", .integer, default: 16, range: .atLeast(2), "Classes."),
    Option("all", .boolean, default: false, "Trains everything."),
  ])
  private static let loraRank = 16

  private let size: String
  private let bands: Int
  private let patch: Int
  let classes: Int
  let labelSmoothing = 0.1
  private let trainsAll: Bool

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    size = options.text("size")
    bands = options.int("bands")
    patch = options.int("patch")
    classes = options.int("classes")
    trainsAll = options.bool("all")
  }

  var model: String { "lola_specvit_\(size)" }
  var rank: Int? { Self.loraRank }
  var sampleShape: [Int] { [bands, patch, patch] }
  var data: DataShape { DataShape(imageSize: [patch, patch], channels: bands, classes: classes) }

  var recipe: String {
    let options = "r: \(Self.loraRank), alpha: \(2 * Self.loraRank), start: reference"
    return """
      model:
        backbone: {name: lola-specvit\(size == "full" ? "" : ", preset: \(size)")}
        weights: none
        freeze_backbone: \(!trainsAll)
      adapter:
        - {name: blocks, method: gated-lora, \(options)}
        - {name: head, method: gated-lora, \(options), gate_residual: false,
           target_modules: [head]}
      train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-3}}
      """
  }

  func count(_ work: inout StepWork, _ model: AssembledModel, count: Int) {
    guard case .backbone(let backbone) = model.network, let lola = backbone as? LoLASpecViT else {
      return
    }
    work.countLoLA(
      lola.configuration, patches: count, bands: bands, rank: Self.loraRank, trainsAll: trainsAll)
  }
}
