package import Formats
package import Layers
package import Recipes
import Tensors

/// Orthogonal fine-tuning (arXiv 2306.07280; input-centric form of OFTv2, arXiv 2506.19847; as in PEFT
/// 0.21.2, `OFT`): y = W R x + b with R block-diagonal and orthogonal.
///
/// `oft_R.weight` is `[n, b (b − 1)/2]`, the strict upper triangles U of n blocks of size b (one block
/// for all with `block_share`), zero at first; Q = U − Uᵀ and R = (I − Q)(I + Q)⁻¹, or with
/// `use_cayley_neumann` the series of (I + Q)(I − Q)⁻¹, which turns the other way. Rows are turned: x_k ← x_k R_k, so W' = W diag(R)ᵀ. A size that does not divide the inputs gives
/// way to the nearest divisor, as in PEFT.
package struct OFT: PEFTMethod {
  package static let name = "oft"
  package static let summary = "rotation of inputs in blocks (OFT)"
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 0, range: .atLeast(0), "Number of blocks; 0 for oft_block_size."),
    Option(
      "oft_block_size", .integer, default: 32, range: .atLeast(0), "Size of blocks; 0 for r."),
    Option("block_share", .boolean, default: false, "Whether all blocks are equal."),
    Option(
      "use_cayley_neumann", .boolean, default: true,
      "Whether the rotation is a series instead of an inverse."),
    Option(
      "num_cayley_neumann_terms", .integer, default: 5, range: .atLeast(1),
      "Terms of that series."),
  ]
  package static let peftType = "OFT"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let biasName = "oft_only"
  package static let fixedFields = [
    FixedField("coft", false, "values constrained to a neighborhood are not offered"),
    FixedField("module_dropout", 0, "dropout of blocks is not offered"),
  ]

  package let fields: JSONObject
  private let blocks: Int
  private let blockSize: Int
  private let isShared: Bool
  private let terms: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    blocks = options.int("r")
    // A recipe that gives r alone means it.
    blockSize =
      blocks > 0 && !options.isGiven("oft_block_size") ? 0 : options.int("oft_block_size")
    isShared = options.bool("block_share")
    terms = options.bool("use_cayley_neumann") ? options.int("num_cayley_neumann_terms") : nil
    var fields = PEFTFields.object(
      options, PEFTFields.layers, ["eps": 6e-5, "fan_in_fan_out": false, "init_weights": true])
    fields["oft_block_size"] = .integer(blockSize)
    self.fields = fields
    if (blocks == 0) == (blockSize == 0) {
      diagnostics.error(
        .rule("r and oft_block_size together", mend: "set exactly one of them above 0"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let size = size(target)
    guard size > 1 else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "blocks of one input cannot be turned. Choose larger blocks")
    }
    let count = target.inputs / size
    return OFTMap(
      triangles: target.parameter(
        "oft_R.weight", [isShared ? 1 : count, size * (size - 1) / 2], .zeros),
      size: size, count: count, terms: terms)
  }

  /// n b (b − 1)/2.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let size = size(target)
    return (isShared ? 1 : target.inputs / size) * size * (size - 1) / 2
  }

  private func size(_ target: AdapterTarget) -> Int {
    let wanted = Self.nearestDivisor(of: target.inputs, to: blocks > 0 ? blocks : blockSize)
    return blocks > 0 ? target.inputs / wanted : wanted
  }

  /// Of two divisors equally near the smaller.
  package static func nearestDivisor(of size: Int, to wanted: Int) -> Int {
    (1...size).filter { size % $0 == 0 }.min { abs($0 - wanted) < abs($1 - wanted) } ?? 1
  }
}

private struct OFTMap: WeightMap {
  let triangles: Parameter
  let size: Int
  let count: Int
  /// Of the series; nil for the inverse.
  let terms: Int?

  var parameters: [Parameter] { [triangles] }

  /// `[n, b, b]`.
  private var rotations: Tensor {
    let skew = triangles().skewSymmetric(size: size)
    let turned = terms.map { skew.cayleyNeumann(terms: $0) } ?? skew.cayley()
    return turned.expanded(to: [count, size, size])
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    base.blocksTimes(rotations, transposed: true)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    layer.plain(x.blocksTimes(rotations), context)
  }
}
