import Recipes

/// Sizes and options of MORPH (arXiv 2509.21670; reference code lanl/MORPH).
package struct MorphConfiguration: Sendable, Equatable {
  /// How the position table is brought to the input's tokens.
  package enum Positional: String, Sendable, CaseIterable {
    /// First time rows, linear along the patches (the reference without `model_size`).
    case slice
    /// Both axes, antialiased (the reference's pretraining of size L).
    case bilinear
  }

  /// Largest patch along depth, height, width.
  package var patch: [Int]
  package var dim: Int
  package var depth: Int
  package var heads: Int
  /// Heads of the attention between fields.
  package var fieldHeads: Int
  package var mlpDim: Int
  /// Channels of the convolutional features.
  package var filters: Int
  package var maxComponents: Int
  package var maxFields: Int
  /// Time rows of the position table.
  package var maxTime: Int
  /// Patch rows of the position table.
  package var maxPatches: Int
  package var dropout: Double
  package var embeddingDropout: Double
  package var positional: Positional

  package init(
    patch: [Int], dim: Int, depth: Int, heads: Int, fieldHeads: Int, mlpDim: Int, filters: Int,
    maxComponents: Int, maxFields: Int, maxTime: Int, maxPatches: Int, dropout: Double = 0,
    embeddingDropout: Double = 0, positional: Positional = .slice
  ) {
    self.patch = patch
    self.dim = dim
    self.depth = depth
    self.heads = heads
    self.fieldHeads = fieldHeads
    self.mlpDim = mlpDim
    self.filters = filters
    self.maxComponents = maxComponents
    self.maxFields = maxFields
    self.maxTime = maxTime
    self.maxPatches = maxPatches
    self.dropout = dropout
    self.embeddingDropout = embeddingDropout
    self.positional = positional
  }

  /// Volume that the projection and decoder are laid out for: the last patch size cubed.
  package var patchVolume: Int { patch[2] * patch[2] * patch[2] }

  /// `[filters, dim, heads, depth, mlp, max_ar]` of the released models.
  private static let sizes: [(name: String, values: [Int])] = [
    ("Ti", [8, 256, 4, 4, 1024, 1]),
    ("S", [8, 512, 8, 4, 2048, 1]),
    ("M", [8, 768, 12, 8, 3072, 1]),
    ("L", [8, 1024, 16, 16, 4096, 16]),
    ("Lt", [8, 1024, 16, 8, 3072, 1]),
    ("XL", [64, 1536, 24, 16, 8192, 1]),
  ]

  static let options: OptionTable = [
    Option(
      "size", .oneOf(sizes.map(\.name)), default: "Ti",
      "Size of the released models; single options below override it."),
    Option(
      "patch_size", .either([.integer, .list(.integer, count: 3...3)]), default: 8,
      "Patch along every axis that exists, or three sizes for depth, height, width."),
    Option(
      "dim", .integer, default: .described("by size"), range: .atLeast(1), "Width of a token."),
    Option(
      "depth", .integer, default: .described("by size"), range: .atLeast(1), "Transformer blocks."),
    Option(
      "heads", .integer, default: .described("by size"), range: .atLeast(1), "Attention heads."),
    Option(
      "heads_xa", .integer, default: 32, range: .atLeast(1),
      "Heads of the attention between fields."),
    Option(
      "mlp_dim", .integer, default: .described("by size"), range: .atLeast(1),
      "Hidden width of the MLP."),
    Option(
      "conv_filter", .integer, default: .described("by size"), range: .atLeast(8),
      "Channels of the convolutional features, a multiple of 8."),
    Option(
      "max_components", .integer, default: 3, range: .atLeast(1), "Components of a field, at most."),
    Option("max_fields", .integer, default: 3, range: .atLeast(1), "Fields, at most."),
    Option(
      "max_ar", .integer, default: .described("by size"), range: .atLeast(1),
      "Input frames that the position table holds."),
    Option(
      "max_patches", .integer, default: 4096, range: .atLeast(1),
      "Patch rows of the position table."),
    Option("dropout", .number, default: 0.1, range: .within(0..<1), "Dropout in blocks."),
    Option(
      "emb_dropout", .number, default: 0.1, range: .within(0..<1),
      "Dropout of the position table and of its sum with the tokens."),
    Option(
      "positional", .oneOf(Positional.allCases.map(\.rawValue)),
      default: .described("bilinear for L with max_ar > 1, else slice"),
      "How the position table is resampled."),
  ]

  /// Reads the options; contradictions go to `diagnostics`.
  init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    let size = reader.text("size")
    let values = Self.sizes.first { $0.name == size }?.values ?? Self.sizes[0].values
    func value(_ name: String, _ position: Int) -> Int {
      reader.optionalInt(name) ?? values[position]
    }
    let given = reader.ints("patch_size")
    let patch = reader.optionalInt("patch_size").map { [$0, $0, $0] } ?? given
    let maxTime = value("max_ar", 5)
    self.init(
      patch: patch.count == 3 && patch.allSatisfy { $0 > 0 } ? patch : [8, 8, 8],
      dim: value("dim", 1),
      depth: value("depth", 3), heads: value("heads", 2), fieldHeads: reader.int("heads_xa"),
      mlpDim: value("mlp_dim", 4), filters: value("conv_filter", 0),
      maxComponents: reader.int("max_components"), maxFields: reader.int("max_fields"),
      maxTime: maxTime, maxPatches: reader.int("max_patches"), dropout: reader.number("dropout"),
      embeddingDropout: reader.number("emb_dropout"),
      positional: reader.optionalChoice("positional", as: Positional.self)
        ?? (size == "L" && maxTime > 1 ? .bilinear : .slice))
    if patch.count != 3 || patch.contains(where: { $0 < 1 }) {
      diagnostics.error(
        .rule(
          "patch_size \(patch) is not three sizes of at least 1",
          mend: "give one number, or three for depth, height, width"),
        at: reader.location, path: reader.path + ".patch_size")
    }
    for problem in contradictions {
      diagnostics.error(
        .rule(problem.what, mend: problem.mend), at: reader.location, path: reader.path)
    }
  }

  private var contradictions: [(what: String, mend: String)] {
    var found: [(String, String)] = []
    if dim % heads != 0 {
      found.append(("dim \(dim) is not divisible by heads \(heads)", "change dim or heads"))
    }
    if dim % fieldHeads != 0 {
      found.append(
        ("dim \(dim) is not divisible by heads_xa \(fieldHeads)", "set heads_xa to a divisor"))
    }
    if filters % 8 != 0 {
      found.append(("conv_filter \(filters) is no multiple of 8", "use 8, 16, 32 or 64"))
    }
    return found
  }
}
