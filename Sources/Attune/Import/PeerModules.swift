/// Names that other programs give to the layers of a transformer, and ours for the same layers.
///
/// Separate projections of queries, keys and values are slices of one matrix here, each with an adapter
/// of its own.
enum PeerModules {
  /// Patterns for names as other programs write them.
  struct Translated {
    var patterns: [String] = []
    /// Names without a layer here.
    var unknown: [String] = []
  }

  private static let layers: [String: [String]] = [
    // transformers' ViT, DeiT, DINOv2
    "query": ["attn.qkv[q]"], "key": ["attn.qkv[k]"], "value": ["attn.qkv[v]"],
    "attention.query": ["attn.qkv[q]"], "attention.key": ["attn.qkv[k]"],
    "attention.value": ["attn.qkv[v]"], "attention.attention.query": ["attn.qkv[q]"],
    "attention.attention.key": ["attn.qkv[k]"], "attention.attention.value": ["attn.qkv[v]"],
    "attention.output.dense": ["attn.proj"], "intermediate.dense": ["mlp.fc1"],
    // A suffix: the attention's output layer is called so, too.
    "output.dense": ["attn.proj", "mlp.fc2"], "dense": ["attn.proj", "mlp.fc1", "mlp.fc2"],
    // CLIP, SigLIP, language models, torchtune
    "q_proj": ["attn.qkv[q]"], "k_proj": ["attn.qkv[k]"], "v_proj": ["attn.qkv[v]"],
    "o_proj": ["attn.proj"], "out_proj": ["attn.proj"], "output_proj": ["attn.proj"],
    "self_attn.q_proj": ["attn.qkv[q]"], "self_attn.k_proj": ["attn.qkv[k]"],
    "self_attn.v_proj": ["attn.qkv[v]"], "self_attn.o_proj": ["attn.proj"],
    "self_attn.out_proj": ["attn.proj"], "up_proj": ["mlp.fc1"], "down_proj": ["mlp.fc2"],
    "fc1": ["mlp.fc1"], "fc2": ["mlp.fc2"], "w1": ["mlp.fc1"], "w2": ["mlp.fc2"],
    // terratorch's split of the fused matrix
    "q_linear": ["attn.qkv[q]"], "k_linear": ["attn.qkv[k]"], "v_linear": ["attn.qkv[v]"],
    "qkv.q_linear": ["attn.qkv[q]"], "qkv.k_linear": ["attn.qkv[k]"],
    "qkv.v_linear": ["attn.qkv[v]"], "attn.qkv.q_linear": ["attn.qkv[q]"],
    "attn.qkv.k_linear": ["attn.qkv[k]"], "attn.qkv.v_linear": ["attn.qkv[v]"],
    // timm
    "qkv": ["attn.qkv"],
    // A suffix: the patch embedding's convolution is called so, too.
    "proj": ["attn.proj", "patch_embed.proj"],
  ]

  /// Layers of language models that a plain vision transformer does not have.
  private static let absent: Set<String> = [
    "gate_proj", "w3", "lm_head", "embed_tokens", "wte", "c_attn", "c_proj", "c_fc", "q_a_proj",
    "kv_a_proj_with_mqa", "output", "tok_embeddings",
  ]

  /// Patterns for a list of names; slices of one matrix join to one pattern.
  static func translated(_ names: [String]) -> Translated {
    var result = Translated()
    for name in names {
      if absent.contains(name) {
        result.unknown.append(name)
      } else {
        result.patterns += layers[name] ?? [name]
      }
    }
    result.patterns = joined(result.patterns.uniqued())
    return result
  }

  /// `attn.qkv[q]` and `attn.qkv[v]` as `attn.qkv[q,v]`; all three slices stay slices, since each has
  /// an adapter of its own.
  private static func joined(_ patterns: [String]) -> [String] {
    let fused = "attn.qkv"
    let slices = ["q", "k", "v"].filter { patterns.contains("\(fused)[\($0)]") }
    guard let first = patterns.firstIndex(where: { $0.hasPrefix(fused + "[") }) else {
      return patterns
    }
    var rest = patterns.filter { !$0.hasPrefix(fused + "[") }
    rest.insert("\(fused)[\(slices.joined(separator: ","))]", at: min(first, rest.count))
    return rest
  }
}
