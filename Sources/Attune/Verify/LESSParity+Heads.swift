import Formats
import Layers
import Recipes
import Tasks
import Tensors

extension LESSCase {
  /// Stored features `[batch, token, width]` are the tokens of cube and channels.
  func mixtureHead() throws -> ParityRun {
    try head(
      MoELinearHead.self,
      [
        .init("experts", .integer(try integer(config, "num_experts"))),
        .init("top_k", .integer(try integer(config, "topk"))),
      ],
      shape: FeatureShape(width: try integer(config, "embed_dim"), blocks: 1, patch: [1, 1]),
      outputs: try integer(config, "num_labels"), named: "output.logits"
    ) {
      var features = Features()
      features.named["channels"] = try parityCase.tensor("input.features")
      return (features, [1, 1])
    }
  }

  /// Stored tokens `[batch, position, width]` of a square grid.
  func pyramidDecoder() throws -> ParityRun {
    let tokens = try parityCase.tensor("input.patch_tokens")
    let image = try integer(config, "image_size")
    let side = Int(Double(tokens.shape[1]).squareRoot().rounded())
    return try head(
      LESSUPerNet.self,
      [
        .init("top_channels", .integer(try integer(config, "fpn_channels"))),
        .init("out_channels", .integer(try integer(config, "fpn_out_channels"))),
        .init("dropout", .number(config["dropout"]?.number ?? 0)),
      ],
      shape: FeatureShape(
        width: try integer(config, "embed_dim"), blocks: 1,
        patch: [image / max(1, side), image / max(1, side)]),
      outputs: try integer(config, "num_classes"), named: "output.logits"
    ) {
      var features = Features()
      features.normalizedMaps[0] = tokens.permuted([0, 2, 1])
        .reshaped(to: [tokens.shape[0], tokens.shape[2], side, side])
      return (features, [image, image])
    }
  }

  /// Stored features are a map `[batch, width, height, width]`; running statistics are outputs.
  func convolutionDecoder() throws -> ParityRun {
    let patch = try integer(config, "patch_size")
    var run = try head(
      LESSConvolutionDecoder.self, [],
      shape: FeatureShape(
        width: try integer(config, "embedding_size"), blocks: 1, patch: [patch, patch]),
      outputs: try integer(config, "num_classes"), named: "output.logits_train_mode"
    ) {
      let map = try parityCase.tensor("input.features")
      var features = Features()
      features.normalizedMaps[0] = map
      return (features, map.shape[2...].map { patch * $0 })
    }
    for (name, value) in run.tensors where name.hasPrefix("after.") {
      run.tensors["output." + name] = value
    }
    return run
  }

  /// Builds a head alone and runs it on stored features; its result is called `named`.
  private func head(
    _ type: any Decoder.Type, _ options: [PlainValue.Field], shape: FeatureShape, outputs: Int,
    named: String, _ features: () throws -> (features: Features, imageSize: [Int])
  ) throws -> ParityRun {
    let diagnostics = Diagnostics()
    let builder = ModelBuilder()
    let reader = OptionReader(
      Located(plain: .map(options), at: SourceLocation(source: parityCase.name)), type.options,
      diagnostics)
    let head = type.init(
      reader, features: shape, outputs: outputs, in: builder.root, diagnostics)
    try diagnostics.throwErrors()
    let parity = try ParityModel(
      parityCase, builder.tree.stored, KeyLayout("less-vit", key: { $0 }))
    let (features, imageSize) = try features()
    return try parity.run { _ in
      [named: head(features, imageSize: imageSize, parity.context)]
    }
  }
}
