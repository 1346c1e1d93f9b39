package import Layers
package import Recipes
import Tensors

/// Low-rank update in the complement of the weight's principal directions (Comp-LoRA, arXiv 2501.15861):
/// ΔW = s (I − U_p U_pᵀ) B A (I − V_p V_pᵀ), s = α/r, of W = U Σ Vᵀ.
///
/// A `[r, in · kernel]` (`lora_A.weight`) and B `[rows, r]` (`lora_B.weight`) start as LoRA's. p is the least
/// number of singular values whose squares add up to `energy` of the sum, but leaves at least r
/// directions. The projections are part of the computation, not a step after the update. They depend on
/// W alone, also where singular vectors are not unique, and are made anew from it instead of saved.
/// The rule for p and the projection on either side are decisions after the abstract.
package struct CompLoRA: RecordsOptions {
  package static let name = "comp-lora"
  package static let summary =
    "low-rank update outside the weight's principal directions (Comp-LoRA)"
  package static let isExperimental = true
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "energy", .number, default: 0.9, range: .within(0.0..<1),
      "Share of the squares of singular values whose directions stay as they are.")
  ])
  package static let peftType = "COMP_LORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let energy: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    energy = options.number("energy")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let energy = energy
    return ComplementDelta(
      down: target.parameter(
        "lora_A.weight", [target.rank, target.inputs], .fanIn(target.inputs)),
      up: target.parameter("lora_B.weight", [target.rows.count, target.rank], .zeros),
      principal: MadeOnce { PrincipalDirections(target, energy: energy) },
      scaling: target.scaling, dropout: target.inputDropout)
  }

  /// r (in · kernel + rows).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count)
  }
}

/// Leading singular vectors of a weight.
private struct PrincipalDirections: Sendable {
  /// U_p `[rows, p]`.
  let left: Tensor
  /// V_pᵀ `[p, in · kernel]`.
  let right: Tensor

  init(_ target: AdapterTarget, energy: Double) {
    let parts = target.singularValues()
    let squares = parts.values.cast(to: .f64).elements(as: Double.self).map { $0 * $0 }
    let wanted = energy * squares.reduce(0, +)
    var (count, sum) = (0, 0.0)
    while sum < wanted, count < squares.count - target.rank {
      sum += squares[count]
      count += 1
    }
    left = parts.left.sliced(axis: 1, 0..<count)
    right = parts.right.sliced(axis: 0, 0..<count)
  }

  var isEmpty: Bool { right.shape[0] == 0 }
}

private struct ComplementDelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let principal: MadeOnce<PrincipalDirections>
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down, up] }
  var inputDropout: Dropout? { dropout }

  /// s A (I − V_p V_pᵀ), `[r, in · kernel]`.
  private var projectedDown: Tensor {
    let a = down().scaled(by: scaling)
    guard !principal.value.isEmpty else { return a }
    let right = principal.value.right.cast(to: a.dtype)
    return a - matrixProduct(linear(a, weight: right), right)
  }

  /// (I − U_p U_pᵀ) B, `[rows, r]`.
  private var projectedUp: Tensor {
    let b = up()
    guard !principal.value.isEmpty else { return b }
    let left = principal.value.left.cast(to: b.dtype)
    return b - matrixProduct(left, matrixProduct(left.transposed, b))
  }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(projectedUp, projectedDown) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = dropout(x, context)
    guard layer.site.kind == .linear else {
      return layer.applied(delta(layer), bias: nil, to: input, outputs: outputs)
    }
    let hidden = linear(input, weight: projectedDown.sliced(axis: 1, 0..<(x.shape.last ?? 0)))
    return linear(hidden, weight: projectedUp.sliced(axis: 0, 0..<outputs))
  }
}
