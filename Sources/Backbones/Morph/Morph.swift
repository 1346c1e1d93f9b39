package import Layers
package import Recipes
package import Tensors

/// MORPH, an autoregressive foundation model for PDE data in one to three space dimensions
/// (arXiv 2509.21670; where paper and reference code differ, the code is followed).
package struct Morph: BlockSequence {
  package static let name = "morph"
  package static let summary =
    "PDE foundation model: axial attention over time and space, 1-D, 2-D and 3-D fields"
  package static let options = MorphConfiguration.options
  package static let defaultTargets = ["attention", "mlp"]

  package let configuration: MorphConfiguration
  private let embedding: MorphEmbedding
  private let positions: MorphPositions
  private let blocks: [MorphBlock]
  private let norm: LayerNorm
  private let decoder: Linear

  package static let inputNames = ["state"]

  package init(
    _ options: OptionReader, for data: DataShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    self.init(MorphConfiguration(options, diagnostics), in: scope)
  }

  /// Builds the layers for a configuration.
  package init(_ configuration: MorphConfiguration, in scope: Scope) {
    self.configuration = configuration
    embedding = MorphEmbedding(scope / "patch_embedding", configuration)
    positions = MorphPositions(scope / "pos_encoding", configuration)
    blocks = (0..<configuration.depth).map {
      MorphBlock(scope / "transformer_blocks" / $0, configuration)
    }
    norm = LayerNorm(scope / "decoder" / "norm", width: configuration.dim, epsilon: 1e-5)
    decoder = Linear(
      scope / "decoder" / "linear", inputs: configuration.dim,
      outputs: configuration.maxFields * configuration.maxComponents * configuration.patchVolume)
  }

  /// The reference wraps the adapted layers of a block: their keys have `.base` before the name.
  package var layouts: [KeyLayout] {
    [
      KeyLayout("morph") { path in
        let parts = path.split(separator: ".")
        let wrapped = parts.contains("axial_attn") || parts.contains("mlp")
        guard wrapped, let name = parts.last else { return path }
        return parts.dropLast().joined(separator: ".") + ".base." + name
      }
    ]
  }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    for shape in shapes.values { try check(shape) }
  }

  private func check(_ shape: [Int]) throws(BackboneError) {
    guard shape.count == 7 else {
      throw BackboneError("morph: input \(shape), expected axes B, T, F, C, D, H, W")
    }
    let (time, fields, components) = (shape[1], shape[2], shape[3])
    if components > configuration.maxComponents {
      throw BackboneError(
        "morph: the data's fields have \(components) components, max_components is "
          + "\(configuration.maxComponents)")
    }
    if configuration.positional == .slice, time > configuration.maxTime {
      throw BackboneError(
        "morph: windows of \(time) frames, max_ar is \(configuration.maxTime). Lower "
          + "data.n_steps_input or raise model.backbone.max_ar")
    }
    for (axis, patch) in zip(["depth", "height", "width"], zip(shape[4...], configuration.patch))
    where patch.0 > 1 && patch.0 % patch.1 != 0 {
      throw BackboneError(
        "morph: \(axis) of \(patch.0) cells is no multiple of patch_size \(patch.1). Use "
          + "data.reduced_resolution or another patch_size")
    }
    let needed =
      fields * components
      * patchSizes(configuration.patch, grid: Array(shape[4...]))
      .reduce(1, *)
    if needed > decoder.site.outputs {
      throw BackboneError(
        "morph: \(fields) fields of \(components) components need \(needed) decoder outputs, there "
          + "are \(decoder.site.outputs). Raise max_fields or max_components")
    }
  }

  /// The next frame from a window of frames.
  ///
  /// From `[batch, time, field, component, depth, height, width]` to the prediction
  /// `[batch, field, component, depth, height, width]` and the features `enc` and `z`
  /// `[batch, time, token, dim]`.
  package func callAsFunction(
    _ input: BackboneInput, maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    let encoded = embedding(input.only, context)
    let x = passed(entering(encoded, input.only.shape, context), blocks[...], context)
    var output = output(
      of: x, from: blocks.count, inputShape: input.only.shape, maps: maps, context)
    output.features.named["enc"] = encoded
    return output
  }

  package func hidden(
    _ input: BackboneInput, before cut: Int, _ context: ForwardContext
  ) -> Tensor {
    let shape = input.only.shape
    return passed(
      entering(embedding(input.only, context), shape, context), blocks[..<cut], context)
  }

  package func output(
    of hidden: Tensor, from cut: Int, inputShape: [Int], maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    let x = passed(hidden, blocks[cut...], context)
    let (patch, counts) = patchGrid(inputShape)
    let tokens = x.reshaped(
      to: [x.shape[0], x.shape[1], counts.reduce(1, *), configuration.dim])
    var features = Features()
    features.named = ["z": tokens]
    return BackboneOutput(
      prediction: decode(tokens, shape: inputShape, patch: patch, counts: counts, context),
      features: features)
  }

  /// What enters the first block, `[batch, time, depth, height, width, dim]`, from the embedding of
  /// an input of a shape.
  private func entering(_ encoded: Tensor, _ shape: [Int], _ context: ForwardContext) -> Tensor {
    positions(encoded, context)
      .reshaped(to: [shape[0], shape[1]] + patchGrid(shape).counts + [configuration.dim])
  }

  private func passed(
    _ x: Tensor, _ blocks: ArraySlice<MorphBlock>, _ context: ForwardContext
  ) -> Tensor {
    blocks.reduce(x) { x, block in context.block(x) { block($0, $1) } }
  }

  /// Patch sizes and counts along depth, height and width for an input of a shape.
  private func patchGrid(_ shape: [Int]) -> (sizes: [Int], counts: [Int]) {
    let grid = Array(shape[4...])
    let sizes = patchSizes(configuration.patch, grid: grid)
    return (sizes, zip(grid, sizes).map { $0 / $1 })
  }

  /// Positions of an input's tokens: `[1, time, token, dim]`.
  package func positionEncoding(time: Int, tokens: Int) -> Tensor {
    positions.encoding(time: time, tokens: tokens)
      .reshaped(to: [1, time, tokens, configuration.dim])
  }

  /// The next frame from the tokens of the last one: the leading outputs of the decoder.
  private func decode(
    _ tokens: Tensor, shape: [Int], patch: [Int], counts: [Int], _ context: ForwardContext
  ) -> Tensor {
    let (batch, time, fields, components) = (shape[0], shape[1], shape[2], shape[3])
    let last = tokens.sliced(axis: 1, (time - 1)..<time)
    let values = decoder(
      norm(last), context, outputs: fields * components * patch.reduce(1, *))
    return
      values
      .reshaped(to: [batch] + counts + [fields, components] + patch)
      .permuted([0, 4, 5, 1, 6, 2, 7, 3, 8])
      .reshaped(to: [batch, fields, components] + shape[4...])
  }
}
