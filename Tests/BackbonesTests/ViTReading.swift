import Backbones
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

/// A vision transformer from options as a recipe gives them, with initial values where asked for.
struct BuiltViT {
  let vit: ViT
  let tree: ModuleTree

  init(
    _ options: [(String, PlainValue)], data: DataShape = DataShape(), seed: UInt64? = nil
  ) throws {
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(
        plain: .map(options.map { .init($0.0, $0.1) }), at: SourceLocation(source: "test"),
        path: "model.backbone"), ViT.options, diagnostics)
    let builder = ModelBuilder()
    vit = ViT(reader, for: data, in: builder.root, diagnostics)
    tree = builder.tree
    try diagnostics.throwErrors()
    if let seed { tree.initialize(seed: seed) }
  }

  /// Width 16, two blocks, patch 4 on 8 x 8 px.
  static func small(
    _ options: [(String, PlainValue)] = [], data: DataShape = DataShape()
  ) throws -> BuiltViT {
    let sizes: [(String, PlainValue)] = [
      ("embed_dim", 16), ("depth", 2), ("num_heads", 2), ("patch_size", 4), ("img_size", 8),
    ]
    let kept = sizes.filter { size in !options.contains { $0.0 == size.0 } }
    return try BuiltViT(kept + options, data: data, seed: 1)
  }
}

/// Reproducible values in single precision.
func values(_ shape: [Int], seed: Int = 1) -> Tensor {
  FiniteDifferences.values(shape, seed: seed).cast(to: .f32)
}
