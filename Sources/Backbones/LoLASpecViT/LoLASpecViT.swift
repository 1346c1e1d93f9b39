package import Layers
package import Recipes
package import Tensors

/// LoLA-SpecViT, a classifier of the middle pixel of a hyperspectral patch (arXiv 2506.17759; where
/// paper and reference code differ, the code is followed).
///
/// Three 3-D convolutions and a mean over the spectral axis give tokens; stages of blocks with
/// attention in windows follow, convolutions between them. The adapter of the reference,
/// `gated-lora`, stands beside the model like any other.
///
/// Defects of the reference, and what is done here:
/// - Padding takes part in attention and dilutes it, most of all where the grid is smaller than a
///   window (45 of 49 keys in the last stage). Kept by default, since weights are trained with it;
///   `mask_padding: true` leaves it out.
/// - Rows, columns and components are confused by its loader; here the axes are always component,
///   row, column.
/// - Its merge counts the residual of an adapted layer twice, and its counts of low-rank parameters
///   hold full-rank matrices; neither is copied.
/// - Classes that it defines and never uses are left out.
package struct LoLASpecViT: Backbone {
  package static let name = "lola-specvit"
  package static let summary =
    "hyperspectral patch classifier: 3-D convolutions, then attention in windows"
  package static let options = LoLASpecViTConfiguration.options
  package static let hasHead = true
  /// Where the reference has its adapters; those of the head are of another form.
  package static let defaultTargets = ["attn.qkv", "attn.proj", "mlp.0", "mlp.3"]

  package let configuration: LoLASpecViTConfiguration
  private let frontEnd: LoLAFrontEnd
  private let stages: [(blocks: [LoLABlock], reduction: LoLAReduction?)]
  private let norm: LayerNorm
  private let head: Linear?

  package init(
    _ options: OptionReader, for data: DataShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    self.init(
      LoLASpecViTConfiguration(
        options, imageSize: data.imageSize, classes: data.classes, diagnostics), in: scope)
  }

  /// Builds the layers for a configuration.
  package init(_ configuration: LoLASpecViTConfiguration, in scope: Scope) {
    self.configuration = configuration
    frontEnd = LoLAFrontEnd(scope, configuration)
    let blockCount = configuration.depths.reduce(0, +)
    var built = 0
    var stages: [(blocks: [LoLABlock], reduction: LoLAReduction?)] = []
    for (number, depth) in configuration.depths.enumerated() {
      let (width, side) = (configuration.widths[number], configuration.grids[number])
      let window = configuration.windows[number]
      let plan = LoLAWindowPlan(
        height: side, width: side, window: window, masksPadding: configuration.masksPadding)
      let level = scope / "levels" / number
      let blocks = (0..<depth).map { index in
        LoLABlock(
          level / index, width: width, heads: configuration.heads[number], window: window,
          mlpRatio: configuration.mlpRatio,
          dropPath: DropPath.linearRate(
            configuration.dropPathRate, block: built + index, of: blockCount),
          plan: plan)
      }
      built += depth
      let isLast = number == configuration.depths.count - 1
      stages.append((blocks, isLast ? nil : LoLAReduction(level / depth, channels: width)))
    }
    self.stages = stages
    let width = configuration.widths.last ?? configuration.dim
    norm = LayerNorm(scope / "norm", width: width, epsilon: 1e-5)
    head = configuration.classes.map {
      Linear(
        scope / "head", inputs: width, outputs: $0, groups: ["head"],
        initialization: lolaInitialization)
    }
  }

  /// The reference wraps every linear layer that it adapts: its keys have `.linear` before the name.
  ///
  /// The second implementation (Aloudname/LoLA_hsViT) calls `w3` of a SwiGLU `W`.
  package var layouts: [KeyLayout] {
    @Sendable func key(_ path: String) -> String {
      let parts = path.split(separator: ".")
      guard let name = parts.last, name == "weight" || name == "bias" else { return path }
      let module = parts.dropLast().joined(separator: ".")
      let isAdapted =
        module == "head" || Self.defaultTargets.contains { module.hasSuffix("." + $0) }
      return isAdapted ? "\(module).linear.\(name)" : path
    }
    let isComputed: @Sendable (String) -> Bool = { $0.hasSuffix("relative_position_index") }
    return [
      KeyLayout(
        "lola-specvit",
        recognizes: { names in !names.contains { $0.hasSuffix(".mlp.1.W.weight") } },
        ignores: isComputed, key: key),
      KeyLayout(
        "lola-hsvit",
        recognizes: { names in names.contains { $0.hasSuffix(".mlp.1.W.weight") } },
        ignores: isComputed, key: { key($0).replacing(".mlp.1.w3.", with: ".mlp.1.W.") }),
    ]
  }

  /// Of the last stage: its blocks are those whose maps can be asked for.
  ///
  /// A token stands for `patch` pixels a side where no size is odd; sizes are rounded.
  package var featureShape: FeatureShape? {
    let side = 1 << configuration.depths.count
    return FeatureShape(
      width: configuration.widths.last ?? configuration.dim,
      blocks: configuration.depths.last ?? 0, patch: [side, side])
  }

  /// Position tables are not resampled: patches of a few pixels are not images of another size.
  package func fitted(
    _ stored: Tensor, to parameter: Parameter, _ fit: WeightFit
  ) throws(BackboneError) -> Tensor? {
    guard parameter.path == "pos_embed", stored.rank == 4 else { return nil }
    throw BackboneError(
      "lola-specvit: pos_embed of the weights is for patches of \(2 * stored.shape[1]) or "
        + "\(2 * stored.shape[1] + 1) pixels and width \(stored.shape[3]), this model is for "
        + "\(configuration.spatialSize) pixels and width \(configuration.dim). Set data.patch.size "
        + "or model.backbone.dim")
  }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    let side = configuration.spatialSize
    for shape in shapes.values {
      guard shape.count == 4 else {
        throw BackboneError(
          "lola-specvit: input \(shape), expected axes batch, component, row, column. Give patches "
            + "of a scene (data.format: hyperspectral-scene with data.patch)")
      }
      guard shape[2] == side, shape[3] == side else {
        throw BackboneError(
          "lola-specvit: patches of \(shape[2]) x \(shape[3]) pixels, the position table is for "
            + "\(side) x \(side). Set data.patch.size: \(side)")
      }
    }
  }

  /// Logits of the middle pixel, and features.
  ///
  /// The input is `[batch, component, row, column]` with any number of components. Block numbers
  /// count the blocks of the last stage, whose maps `[batch, width, rows, columns]` all have the shape
  /// that `featureShape` tells. Named features are `spectral_mean_before_se` (for the plain mean),
  /// `spectral_mean`, `patch_embed`, `level0`, `level1`, ... (channels first after a reduction, else
  /// last) and `norm_tokens`.
  package func callAsFunction(
    _ input: BackboneInput, maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    var features = Features()
    var x = frontEnd(input.only, named: &features.named, context)
    for (number, stage) in stages.enumerated() {
      for (index, block) in stage.blocks.enumerated() {
        x = context.block(x) { block($0, $1) }
        if stage.reduction == nil, maps.contains(index) {
          features.maps[index] = x.permuted([0, 3, 1, 2])
        }
      }
      guard let reduction = stage.reduction else {
        features.named["level\(number)"] = x
        continue
      }
      let reduced = reduction(x.permuted([0, 3, 1, 2]), context)
      features.named["level\(number)"] = reduced
      x = reduced.permuted([0, 2, 3, 1])
    }
    let (batch, width) = (x.shape[0], x.shape[3])
    let tokens = norm(x.reshaped(to: [batch, -1, width]))
    let pooled = tokens.averaged(over: [1]).reshaped(to: [batch, width])
    features.tokens = tokens
    features.pooled = pooled
    features.named["norm_tokens"] = tokens
    return BackboneOutput(logits: head.map { $0(pooled, context) }, features: features)
  }
}
