package import Layers
import Tensors

extension ViT {
  /// timm's own, then the programs whose files hold the same model under other names.
  package var layouts: [KeyLayout] {
    let configuration = configuration
    return [
      KeyLayout(
        "timm",
        recognizes: { $0.contains(timmMark) && $0.isDisjoint(with: ["mask_token"]) },
        ignores: { $0.hasPrefix("pre_logits.") }, key: { $0 }),
      KeyLayout(
        "mae", recognizes: { $0.isSuperset(of: [timmMark, "decoder_embed.weight"]) },
        ignores: { $0.hasPrefix("decoder_") || $0 == "mask_token" }, key: { $0 }),
      KeyLayout(
        "dinov2", recognizes: { $0.isSuperset(of: [timmMark, "mask_token"]) },
        ignores: { $0 == "mask_token" },
        parts: { dinoParts($0, configuration) }),
    ]
      + TransformersNames.all(isDINO: configuration.layerScale != nil).map {
        $0.layout(configuration)
      }
      + [
        KeyLayout(
          "jax", recognizes: { $0.contains("embedding/kernel") },
          ignores: { $0.hasPrefix("pre_logits/") }, parts: jaxParts)
      ]
  }
}

/// A key that every layout with timm's names has.
private let timmMark = "blocks.0.attn.qkv.weight"

/// facebookresearch/dinov2: timm's names, but the class position stands in the table also where
/// there are registers.
private func dinoParts(_ path: String, _ configuration: ViTConfiguration) -> [StoredPart] {
  if path == "reg_token" { return [StoredPart("register_tokens")] }
  return foldedClassPosition(path, configuration, class: "cls_token", table: "pos_embed")
    ?? [StoredPart(path)]
}

/// Class token and position table of a model whose table has no class row, from a file that has one.
///
/// The row is added to the token. Nil for other parameters and models.
private func foldedClassPosition(
  _ path: String, _ configuration: ViTConfiguration, class classKey: String, table: String
) -> [StoredPart]? {
  guard configuration.hasClassToken, configuration.registers > 0,
    !configuration.positionsCoverPrefix
  else { return nil }
  func rows(_ range: @escaping @Sendable (_ count: Int) -> Range<Int>)
    -> @Sendable (Tensor) -> Tensor
  {
    { $0.shape[1] > 1 ? $0.sliced(axis: 1, range($0.shape[1])) : $0 }
  }
  switch path {
  case "cls_token":
    return [
      StoredPart(classKey),
      StoredPart(table, isAdded: true, rank: 3, arranged: rows { _ in 0..<1 }),
    ]
  case "pos_embed": return [StoredPart(table, rank: 3, arranged: rows { 1..<$0 })]
  default: return nil
  }
}

/// The names of one model class of transformers, in files or as modules of its version 5.
struct TransformersNames: Sendable {
  /// Of the encoder's keys: the model's attribute in a classifier, nothing for a bare encoder.
  let prefix: String
  /// DINOv2 names norms and MLP as timm does.
  let isDINO: Bool
  /// Modules of transformers 5, whose files keep the older names.
  let areModules: Bool

  /// All that are read: files before modules, and the family that the model belongs to first.
  static func all(isDINO: Bool) -> [TransformersNames] {
    let vit = [TransformersNames](["vit.", ""], isDINO: false)
    let dino = [TransformersNames](["dinov2.", "dinov2_with_registers.", ""], isDINO: true)
    let files = isDINO ? dino + vit : vit + dino
    return files + files.map { .init(prefix: $0.prefix, isDINO: $0.isDINO, areModules: true) }
  }

  func layout(_ configuration: ViTConfiguration) -> KeyLayout {
    KeyLayout(
      prefix == "dinov2_with_registers." ? "hf-registers" : "hf", recognizes: recognizes,
      ignores: { key in
        key == prefix + "embeddings.mask_token" || key.hasPrefix(prefix + "pooler.")
          || key.hasPrefix("decoder.")
      },
      parts: { path in
        foldedClassPosition(
          path, configuration, class: prefix + "embeddings.cls_token",
          table: prefix + "embeddings.position_embeddings") ?? parts(of: path)
      })
  }

  /// By the first block's names; those of the two families differ in the norms.
  func recognizes(_ names: Set<String>) -> Bool {
    ["attn.qkv.weight", "norm1.weight"].allSatisfy { path in
      block(path).allSatisfy { names.contains(prefix + layers + ".0." + $0) }
    }
  }

  /// Keys of a parameter of the encoder or its head; a path that the class lacks stays as it is.
  func parts(of path: String) -> [StoredPart] {
    if let match = path.wholeMatch(of: /blocks\.(\d+)\.(.+)/) {
      return block(String(match.2)).map { StoredPart("\(prefix)\(layers).\(match.1).\($0)") }
    }
    let names = [
      ("cls_token", prefix + "embeddings.cls_token"),
      ("reg_token", prefix + "embeddings.register_tokens"),
      ("pos_embed", prefix + "embeddings.position_embeddings"),
      ("patch_embed.proj.", prefix + "embeddings.patch_embeddings.projection."),
      ("norm.", prefix + "layernorm."), ("head.", "classifier."),
    ]
    return [StoredPart(replaced(path, names))]
  }

  /// Keys of a block's parameter below the block.
  func block(_ path: String) -> [String] {
    if path.hasPrefix("attn.qkv.") {
      let kind = path.dropFirst("attn.qkv.".count)
      return ["query", "key", "value"].map { role in
        areModules
          ? "attention.\(role.prefix(1))_proj.\(kind)" : "attention.attention.\(role).\(kind)"
      }
    }
    var names = [
      ("attn.proj.", areModules ? "attention.o_proj." : "attention.output.dense."),
      ("ls1.gamma", "layer_scale1.lambda1"), ("ls2.gamma", "layer_scale2.lambda1"),
    ]
    if !isDINO { names += [("norm1.", "layernorm_before."), ("norm2.", "layernorm_after.")] }
    if !isDINO, !areModules {
      names += [("mlp.fc1.", "intermediate.dense."), ("mlp.fc2.", "output.dense.")]
    }
    return [replaced(path, names)]
  }

  private var layers: String { areModules && !isDINO ? "layers" : "encoder.layer" }

  private func replaced(_ path: String, _ names: [(ours: String, theirs: String)]) -> String {
    for (ours, theirs) in names where path.hasPrefix(ours) {
      return theirs + path.dropFirst(ours.count)
    }
    return path
  }
}

extension [TransformersNames] {
  fileprivate init(_ prefixes: [String], isDINO: Bool) {
    self = prefixes.map { .init(prefix: $0, isDINO: isDINO, areModules: false) }
  }
}

/// The original JAX code (google-research/vision_transformer): kernels are stored for x · kernel, and
/// heads have an axis of their own.
@Sendable private func jaxParts(_ path: String) -> [StoredPart] {
  guard let dot = path.lastIndex(of: ".") else {
    let names = [
      "cls_token": "cls", "pos_embed": "Transformer/posembed_input/pos_embedding",
    ]
    return [StoredPart(names[path] ?? path)]
  }
  let (layer, isWeight) = (String(path[..<dot]), path[dot...] == ".weight")
  func norm(_ key: String) -> StoredPart { StoredPart(key + (isWeight ? "/scale" : "/bias")) }
  /// A kernel `[inputs..., outputs...]` of some axes, the first `inputAxes` of them inputs, becomes
  /// `[outputs, inputs]`; a bias loses the axis of heads.
  func dense(_ key: String, axes: Int = 2, inputAxes: Int = 1) -> StoredPart {
    guard isWeight else { return StoredPart(key + "/bias") { $0.reshaped(to: [-1]) } }
    return StoredPart(key + "/kernel", rank: axes) { stored in
      let inputs = stored.shape[..<inputAxes].reduce(1, *)
      return stored.reshaped(to: [inputs, -1]).permuted([1, 0])
    }
  }

  if let match = layer.wholeMatch(of: /blocks\.(\d+)\.(.+)/) {
    let block = "Transformer/encoderblock_\(match.1)/"
    let attention = block + "MultiHeadDotProductAttention_1/"
    switch match.2 {
    case "norm1": return [norm(block + "LayerNorm_0")]
    case "norm2": return [norm(block + "LayerNorm_2")]
    case "attn.qkv": return ["query", "key", "value"].map { dense(attention + $0, axes: 3) }
    case "attn.proj": return [dense(attention + "out", axes: 3, inputAxes: 2)]
    case "mlp.fc1": return [dense(block + "MlpBlock_3/Dense_0")]
    case "mlp.fc2": return [dense(block + "MlpBlock_3/Dense_1")]
    default: return [StoredPart(path)]
    }
  }
  switch layer {
  case "patch_embed.proj":
    return isWeight
      ? [StoredPart("embedding/kernel", rank: 4) { $0.permuted([3, 2, 0, 1]) }]
      : [StoredPart("embedding/bias")]
  case "norm": return [norm("Transformer/encoder_norm")]
  case "head": return [dense("head")]
  default: return [StoredPart(path)]
  }
}
