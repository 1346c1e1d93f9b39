package import Formats
package import Layers
package import Recipes
import Tensors

/// Decoupled low-rank adaptation (DeLoRA, arXiv 2503.18225, equation 8; as in PEFT 0.21.2, `DELORA`):
/// ΔW = B diag(λ/(r ‖a_k‖ ‖b_k‖)) A diag(w).
///
/// `delora_A` is `[r, in]` with rows a, uniform in ±1/√in at first, `delora_B` `[out, r]` with columns
/// b, zero at first, `delora_lambda` `[1]`; w `[in]` are the norms of the frozen weight's columns, kept as
/// `delora_w_norm`. Norms of a and b are at least 10⁻⁴ and constant there.
package struct DeLoRA: PEFTMethod {
  package static let name = "delora"
  package static let summary = "low-rank update of normalized directions and one strength (DeLoRA)"
  package static let options: OptionTable = [
    .rank(8), Option("delora_lambda", .number, default: 15, "First value of the strength."),
    .dropout("module_dropout"),
  ]
  package static let peftType = "DELORA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let biasName = "delora_only"
  package static let patternFields: (rank: String?, alpha: String?) = ("rank_pattern", nil)

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let strength: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    strength = options.number("delora_lambda")
    fields = PEFTFields.object(
      options, renamed: ["dropout": "module_dropout"], PEFTFields.layers,
      ["init_weights": true, "lambda_pattern": [:]])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    DeLoRADelta(
      down: target.parameter("delora_A", [target.rank, target.inputs], .fanIn(target.inputs)),
      up: target.parameter("delora_B", [target.rows.count, target.rank], .zeros),
      strength: target.parameter("delora_lambda", [1], .constant(strength)),
      norms: target.buffer(
        "delora_w_norm", target.layer.weight.detached().transposed.rowNorms()),
      dropout: target.inputDropout)
  }

  /// r (in + out) + 1.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count) + 1
  }
}

private struct DeLoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let strength: Parameter
  let norms: Parameter
  let dropout: Dropout

  var parameters: [Parameter] { [down, up, strength] }
  var buffers: [Parameter] { [norms] }
  var inputDropout: Dropout? { dropout }

  /// diag(λ/(r ‖a‖ ‖b‖)) A diag(w).
  private var scaled: Tensor {
    let floor = 1e-4
    let lengths =
      down().rowNorms(atLeast: floor) * up().transposed.rowNorms(atLeast: floor)
    let factors =
      lengths.reciprocal() * strength().expanded(to: lengths.shape)
    return down().rowsScaled(by: factors.scaled(by: 1 / Double(down.shape[0]))) * norms.value
  }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(up(), scaled) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = scaled.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    return linear(
      linear(dropout(x, context), weight: a), weight: up().sliced(axis: 0, 0..<outputs))
  }
}
