package import Formats
package import Layers
package import Recipes
import Tensors

/// Granular low-rank adaptation (GraLoRA, arXiv 2505.20355, equation 5; as in PEFT 0.21.2, `GRALORA`): a
/// pair of low rank for every block of a k × k grid.
///
/// `gralora_A` is `[k, in/k, r]`, uniform in ±1/√r at first, `gralora_B` `[k, r, out/k]`, zero at first;
/// with q = r/k block (j, n) of ΔW is s (A[n][:, jq:(j+1)q] B[j][nq:(n+1)q, :])ᵀ, s = α/(r + hybrid_r).
/// With `hybrid_r` a plain pair of that rank is added, under the same scaling.
package struct GraLoRA: PEFTMethod {
  package static let name = "gralora"
  package static let summary = "low-rank pairs on a grid of blocks (GraLoRA)"
  package static let options: OptionTable = [
    .rank(32),
    Option(
      "hybrid_r", .integer, default: 0, range: .atLeast(0), "Rank of a pair for the whole weight."),
    .alpha(64),
    Option(
      "gralora_k", .integer, default: 2, range: .atLeast(1),
      "Blocks along a side: a divisor of inputs, outputs and r."),
    .dropout("gralora_dropout"),
  ]
  package static let peftType = "GRALORA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "gralora_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let grid: Int
  private let hybrid: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    grid = options.int("gralora_k")
    hybrid = options.int("hybrid_r")
    fields = PEFTFields.object(
      options, renamed: ["dropout": "gralora_dropout"], PEFTFields.layers,
      ["fan_in_fan_out": false, "init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, rows, inputs) = (target.rank, target.rows.count, target.inputs)
    try require(grid, divides: inputs, "inputs", of: target, option: "gralora_k")
    try require(grid, divides: rows, "outputs", of: target, option: "gralora_k")
    try require(grid, divides: rank, "of r", of: target, option: "gralora_k")
    let general =
      hybrid == 0
      ? nil
      : (
        target.parameter("gralora_A_general.weight", [hybrid, inputs], .fanIn(inputs)),
        target.parameter("gralora_B_general.weight", [rows, hybrid], .zeros)
      )
    return GraLoRADelta(
      down: target.parameter("gralora_A", [grid, inputs / grid, rank], .fanIn(rank)),
      up: target.parameter("gralora_B", [grid, rank, rows / grid], .zeros), general: general,
      scaling: target.alpha / Double(rank + hybrid), dropout: target.inputDropout)
  }

  /// (r + hybrid_r)(in + out).
  package func trainableCount(for target: AdapterTarget) -> Int {
    (target.rank + hybrid) * (target.inputs + target.rows.count)
  }
}

private struct GraLoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let general: (down: Parameter, up: Parameter)?
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down, up] + (general.map { [$0.down, $0.up] } ?? []) }
  var inputDropout: Dropout? { dropout }

  func delta(_ layer: SiteRows) -> Tensor {
    let (grid, width, rank) = (down.shape[0], down.shape[1], down.shape[2])
    let height = up.shape[2]
    let part = rank / grid
    // `[n, j, in/k, q]` times `[n, j, q, out/k]`.
    let a = down().reshaped(to: [grid, width, grid, part]).permuted([0, 2, 1, 3])
    let b = up().reshaped(to: [grid, grid, part, height]).permuted([1, 0, 2, 3])
    let blocks = batchedProduct(a, b).permuted([1, 3, 0, 2])
      .reshaped(to: [grid * height, grid * width])
    let sum = general.map { blocks + matrixProduct($0.up(), $0.down()) } ?? blocks
    return sum.scaled(by: scaling)
  }
}
