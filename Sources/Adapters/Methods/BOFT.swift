package import Formats
package import Layers
package import Recipes
import Tensors

/// Orthogonal butterfly fine-tuning (arXiv 2311.06243) with one factor, as PEFT 0.21.2 (`BOFT`) has it
/// without its CUDA extension: W' = diag(s) W diag(R)ᵀ.
///
/// `boft_R` is `[1, n, b, b]` (X, zero at first), Q = (X − Xᵀ)/2, R = (I − Q)(I + Q)⁻¹; `boft_s`
/// `[out, 1]`, ones at first, scales rows of the weight and not the bias. A convolution's kernel is
/// taken as the matrix that it is stored as, with `boft_s` `[1, out]`.
package struct BOFT: PEFTMethod {
  package static let name = "boft"
  package static let summary = "rotation of inputs in blocks and scaling of outputs (BOFT)"
  package static let options: OptionTable = [
    Option(
      "boft_block_size", .integer, default: 4, range: .atLeast(0),
      "Size of blocks, a divisor of the inputs; 0 for boft_block_num."),
    Option(
      "boft_block_num", .integer, default: 0, range: .atLeast(0),
      "Number of blocks; 0 for boft_block_size."),
  ]
  package static let peftType = "BOFT"
  package static let capabilities: AdapterCapabilities = [
    .portableLinear, .convolution2D, .rows,
  ]
  package static let biasName = "boft_only"
  package static let fixedFields = [
    FixedField(
      "boft_n_butterfly_factor", 1, "more than one butterfly factor needs PEFT's CUDA extension"),
    FixedField("boft_dropout", 0, "dropout of blocks is not offered"),
  ]

  package let fields: JSONObject
  private let blockSize: Int
  private let blocks: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    blocks = options.int("boft_block_num")
    blockSize =
      blocks > 0 && !options.isGiven("boft_block_size") ? 0 : options.int("boft_block_size")
    var fields = PEFTFields.object(
      options, PEFTFields.layers, ["fan_in_fan_out": false, "init_weights": true])
    fields["boft_block_size"] = .integer(blockSize)
    self.fields = fields
    if (blocks == 0) == (blockSize == 0) {
      diagnostics.error(
        .rule(
          "boft_block_num and boft_block_size together", mend: "set exactly one of them above 0"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try require(
      blocks > 0 ? blocks : blockSize, divides: target.inputs, "inputs", of: target,
      option: blocks > 0 ? "boft_block_num" : "boft_block_size")
    let size = size(target)
    let rows = target.rows.count
    return BOFTMap(
      blocks: target.parameter("boft_R", [1, target.inputs / size, size, size], .zeros),
      scale: target.parameter(
        "boft_s", target.site.kind == .linear ? [rows, 1] : [1, rows], .ones))
  }

  /// in · b + out.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.inputs * size(target) + target.rows.count
  }

  private func size(_ target: AdapterTarget) -> Int {
    blocks > 0 ? target.inputs / blocks : blockSize
  }
}

private struct BOFTMap: WeightMap {
  let blocks: Parameter
  let scale: Parameter

  var parameters: [Parameter] { [blocks, scale] }

  /// `[n, b, b]`.
  private var rotations: Tensor {
    let free = blocks().reshaped(to: Array(blocks.shape.dropFirst()))
    return (free - free.permuted([0, 2, 1])).scaled(by: 0.5).cayley()
  }

  private var line: Tensor { scale().reshaped(to: [scale.elementCount]) }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    base.blocksTimes(rotations, transposed: true).rowsScaled(by: line)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    guard layer.site.kind == .linear else { return nil }
    let y = layer.product(x.blocksTimes(rotations), context) * line
    return layer.bias.map { y + $0 } ?? y
  }
}
