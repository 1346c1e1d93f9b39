package import Formats
package import Layers
package import Recipes
import Tensors

/// Low-rank Hadamard product (FedPara, arXiv 2108.06098, proposition 1; as in PEFT 0.21.2, `LOHA`):
/// ΔW = s (A₁ B₁) ∘ (A₂ B₂), s = α/r.
///
/// A₁, A₂ are `[out, r]`, B₁, B₂ `[r, in · kernel]`; B₂ is zero at first, the others uniform in
/// ±1/√(second axis). A convolution's kernel is taken as the matrix that it is stored as
/// (`use_effective_conv2d` is not offered).
package struct LoHa: PEFTMethod {
  package static let name = "loha"
  package static let summary = "Hadamard product of two low-rank matrices (LoHa)"
  package static let options = OptionTable([.rank(8), .alpha()]).adding(DeltaDropout.options)
  package static let peftType = "LOHA"
  package static let capabilities: AdapterCapabilities = [
    .portableLinear, .convolution2D, .rows,
  ]
  package static let absentFields: Set<String> = ["bias"]
  package static let patternFields: (rank: String?, alpha: String?) = (
    "rank_pattern", "alpha_pattern"
  )
  package static let fixedFields = [
    FixedField("use_effective_conv2d", false, "kernels in three factors are not offered")
  ]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let dropout: DeltaDropout.Settings

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    dropout = DeltaDropout.Settings(options)
    fields = PEFTFields.object(options, PEFTFields.layers, ["init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, inputs, rank) = (target.rows.count, target.inputs, target.rank)
    func up(_ name: String) -> Parameter { target.parameter(name, [rows, rank], .fanIn(rank)) }
    return LoHaDelta(
      first: (
        up("hada_w1_a"), target.parameter("hada_w1_b", [rank, inputs], .fanIn(inputs))
      ), second: (up("hada_w2_a"), target.parameter("hada_w2_b", [rank, inputs], .zeros)),
      scaling: target.scaling, dropout: DeltaDropout(dropout, target))
  }

  /// 2 r (out + in · kernel).
  package func trainableCount(for target: AdapterTarget) -> Int {
    2 * target.rank * (target.rows.count + target.inputs)
  }
}

private struct LoHaDelta: WeightDelta {
  let first: (a: Parameter, b: Parameter)
  let second: (a: Parameter, b: Parameter)
  let scaling: Double
  let dropout: DeltaDropout

  var parameters: [Parameter] { [first.a, first.b, second.a, second.b] }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(first.a(), first.b()).scaled(by: scaling)
      * matrixProduct(second.a(), second.b())
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    layer.applied(dropout(delta(layer), context), bias: nil, to: x, outputs: outputs)
  }
}
