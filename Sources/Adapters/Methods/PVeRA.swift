import Foundation
package import Formats
package import Layers
package import Recipes
import Tensors

/// Probabilistic VeRA (arXiv 2512.07703; as in PEFT 0.21.2, `PVERA`): y = W x + b + λ_b ∘ B z with
/// z = μ + ε ∘ exp(½ log σ²) and (μ, log σ²) the halves of λ_d ∘ A x.
///
/// A `[2 r, max in]` and B `[max out, r]` are frozen and shared as in VeRA; `pvera_lambda_d` is `[2 r]`,
/// `pvera_lambda_b` `[out]`, zero at first. ε is normal while training; in evaluation z = μ, to which
/// the adapter merges.
package struct PVeRA: PEFTMethod {
  package static let name = "pvera"
  package static let summary = "VeRA with a sampled hidden value (PVeRA)"
  package static let options = OptionTable([.rank(256)]).adding(SharedProjections.options).adding(
    [.dropout("pvera_dropout")])
  package static let peftType = "PVERA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "pvera_only"
  package static let fixedFields = [
    FixedField("sample_at_inference", false, "an output that differs at every call is not offered")
  ]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let projections: SharedProjections

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    projections = SharedProjections(options)
    fields = PEFTFields.object(
      options, renamed: ["dropout": "pvera_dropout"], PEFTFields.layers,
      [
        "fan_in_fan_out": false, "generator_seed": nil, "init_weights": true,
        "save_projection": true,
      ])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    try requireOneRank(targets)
    let rank = lowRank?.rank ?? 0
    let (down, up) = projections.make(
      names: ("pvera_A", "pvera_B"), ranks: (2 * rank, rank), for: targets, shared)
    return targets.map { target in
      PVeRADelta(
        down: down, up: up,
        inner: target.parameter("pvera_lambda_d", [2 * rank], .constant(projections.initial)),
        outer: target.parameter("pvera_lambda_b", [target.rows.count], .zeros),
        noise: target.path(to: "noise"), dropout: target.inputDropout)
    }
  }

  /// 2 r + out.
  package func trainableCount(for target: AdapterTarget) -> Int {
    2 * target.rank + target.rows.count
  }
}

private struct PVeRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let inner: Parameter
  let outer: Parameter
  let noise: String
  let dropout: Dropout

  var parameters: [Parameter] { [inner, outer] }
  private var rank: Int { up.shape[1] }

  func delta(_ layer: SiteRows) -> Tensor {
    let a = down.leading(rows: rank, columns: layer.site.inputs, like: inner)
      .rowsScaled(by: inner().sliced(axis: 0, 0..<rank))
    return matrixProduct(up.leading(rows: outer.elementCount, like: inner), a)
      .rowsScaled(by: outer())
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = down.leading(columns: x.shape.last ?? 0, like: inner)
    let hidden = linear(dropout(x, context), weight: a) * inner()
    let axis = hidden.rank - 1
    var z = hidden.sliced(axis: axis, 0..<rank)
    if context.isTraining {
      let deviation = hidden.sliced(axis: axis, rank..<(2 * rank)).scaled(by: 0.5).exponential()
      z = z + deviation * normal(z.shape, context).cast(to: z.dtype)
    }
    return linear(z, weight: up.leading(rows: outputs, like: inner))
      * outer().sliced(axis: 0, 0..<outputs)
  }

  /// Normal numbers of a step, by sample (Box–Muller).
  private func normal(_ shape: [Int], _ context: ForwardContext) -> Tensor {
    let count = shape.dropFirst().reduce(1, *)
    let uniform = context.uniform(noise, batch: shape[0], count: 2 * count)
    let first = uniform.sliced(axis: 1, 0..<count).elements(as: Float.self)
    let second = uniform.sliced(axis: 1, count..<(2 * count)).elements(as: Float.self)
    return Tensor(
      zip(first, second).map { u, v in
        (-2 * log(1 - u)).squareRoot() * cos(2 * Float.pi * v)
      }, shape: shape)
  }
}
