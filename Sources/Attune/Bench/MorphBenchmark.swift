import Backbones
import Layers
import Recipes
import Tensors

/// MORPH on constant random fields, all parameters trained, or LoRA with norms and position table.
///
/// Mean squared error of the next frame; no dropout.
struct MorphBenchmark: ModelBenchmark {
  static let name = "morph"
  static let summary = "a step of the PDE model MORPH, all parameters or LoRA"
  static let options = commonBenchOptions(batch: 4).adding([
    Option("size", .oneOf(["Ti", "S", "M", "L"]), default: "Ti", "Size of the released models."),
    Option(
      "shape", .text, default: "1,2,1,1,128,128",
      "Time, fields, components, depth, height, width of a sample."),
    Option("lora", .boolean, default: false, "LoRA with norms and position table alone."),
  ])
  private static let ranks = (attention: 16, mlp: 12)

  let sampleShape: [Int]
  private let size: String
  private let hasLoRA: Bool

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    size = options.text("size")
    hasLoRA = options.bool("lora")
    let text = options.text("shape")
    let parts = text.split(separator: ",").compactMap { Int($0) }
    let isShape =
      parts.count == 6 && text.split(separator: ",").count == 6 && parts.allSatisfy { $0 > 0 }
    sampleShape = isShape ? parts : [1, 1, 1, 1, 1, 8]
    if !isShape {
      diagnostics.error(
        .rule(
          "\(text) is no shape",
          mend: "give time, fields, components, depth, height and width, such as 1,2,1,1,128,128"),
        at: options.value("shape")?.location ?? options.location, path: "shape")
    }
  }

  var model: String { "morph_\(size)" }
  var rank: Int? { hasLoRA ? Self.ranks.attention : nil }
  var data: DataShape { DataShape() }

  var recipe: String {
    let (attention, mlp) = Self.ranks
    let lora = """
      adapter:
        - {name: attention, method: lora, r: \(attention), alpha: \(2 * attention),
           target_modules: [attention], modules_to_save: [norm1, norm2, decoder.norm, pos_encoding]}
        - {name: mlp, method: lora, r: \(mlp), alpha: \(2 * mlp), target_modules: [mlp]}
      """
    return """
      model:
        backbone: {name: morph, size: \(size), dropout: 0, emb_dropout: 0}
        weights: none
        freeze_backbone: \(hasLoRA)
      train: {max_steps: 1, optimizer: {name: adamw, lr: 1e-4}}
      \(hasLoRA ? lora : "")
      """
  }

  func fields(count: Int) -> [String: Tensor] {
    [
      "state": benchNoise([count] + sampleShape),
      "target": benchNoise([count] + sampleShape[1...], seed: 1),
    ]
  }

  func output(
    _ model: AssembledModel, _ fields: [String: Tensor], _ context: ForwardContext
  ) -> Tensor {
    guard let state = fields["state"] else { preconditionFailure("a batch without state") }
    return model.prediction(state, context)
  }

  func loss(_ output: Tensor, _ fields: [String: Tensor]) -> Tensor {
    guard let target = fields["target"] else { preconditionFailure("a batch without target") }
    return meanSquaredError(output, target)
  }

  func count(_ work: inout StepWork, _ model: AssembledModel, count: Int) {
    guard case .backbone(let backbone) = model.network, let morph = backbone as? Morph else {
      return
    }
    work.countMorph(
      morph.configuration, shape: [count] + sampleShape, ranks: hasLoRA ? Self.ranks : nil)
  }
}
