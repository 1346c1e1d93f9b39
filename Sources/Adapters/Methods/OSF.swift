package import Formats
package import Layers
package import Recipes
import Tensors

/// Orthogonal subspace fine-tuning (arXiv 2504.07097; as in PEFT 0.21.2, `OSF`): of W = U S Vᵀ the k
/// largest terms are frozen, the others trained: W' = U_high S_high V_high + U diag(S) V.
///
/// `osf_svd_params.U_low` is `[out, m − k]`, `.S_low` `[m − k]`, `.V_low` `[m − k, in]`, m = min(out, in).
/// Gradients are projected so that the frozen terms stay untouched: dU loses its part along U_high where
/// out > in, else it keeps its part along the first U; dV likewise by V. Its own record reads the
/// frozen terms from the base weight.
package struct OSF: PEFTMethod {
  package static let name = "osf"
  package static let summary = "training of the small singular terms of a weight (OSF)"
  package static let options: OptionTable = [
    Option(
      "effective_rank", .either([.integer, .number]), default: .described("half of the rank"),
      range: .above(0), "Frozen terms: a number of them, or a part of all in (0, 1).")
  ]
  package static let peftType = "OSF"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .readsBase]
  package static let absentFields: Set<String> = ["bias", "exclude_modules"]

  package let fields: JSONObject
  private let frozen: PlainValue?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    frozen = options.value("effective_rank")?.plain
    fields = PEFTFields.object(
      options, ["init_weights": true, "rank_pattern": [:], "target_svd_config": nil])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let terms = target.singularValues()
    let total = terms.values.elementCount
    let kept = frozenCount(target)
    guard kept < total else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "effective_rank freezes all \(total) terms. Lower it")
    }
    return OSFDelta(target, terms, frozen: kept)
  }

  /// (m − k)(out + in + 1).
  package func trainableCount(for target: AdapterTarget) -> Int {
    let total = min(target.rows.count, target.inputs)
    return (total - frozenCount(target)) * (target.rows.count + target.inputs + 1)
  }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    setPattern(
      "effective_rank", "rank_pattern",
      adapter.modules.map { ($0.target.site.path, .integer(frozenCount($0.target))) }, &fields)
    return fields
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    adapter.modules.compactMap { ($0.change as? OSFDelta).map { OSFProjection(delta: $0) } }
  }

  /// By the values that a file has, else by the option.
  private func frozenCount(_ target: AdapterTarget) -> Int {
    let total = min(target.rows.count, target.inputs)
    if let trained = target.stored["osf_svd_params.S_low"]?.first { return total - trained }
    switch frozen {
    case .integer(let count): return min(count, total)
    case .number(let part) where part <= 1: return Int(part * Double(total))
    case .number(let count): return min(Int(count), total)
    default: return total / 2
    }
  }
}

/// The trained terms of one weight, as a difference from the first ones.
private struct OSFDelta: WeightDelta {
  let left: Parameter
  let values: Parameter
  let right: Parameter
  /// The same before training.
  private let start: (left: Tensor, values: Tensor, right: Tensor)
  /// Directions that gradients lose (`isRemoved`) or keep, as rows: of outputs and of inputs.
  let outputs: (directions: Tensor, isRemoved: Bool)
  let inputs: (directions: Tensor, isRemoved: Bool)

  var parameters: [Parameter] { [left, values, right] }

  init(_ target: AdapterTarget, _ terms: SingularValues, frozen: Int) {
    let trained = frozen..<terms.values.elementCount
    start = (
      terms.left.sliced(axis: 1, trained), terms.values.sliced(axis: 0, trained),
      terms.right.sliced(axis: 0, trained)
    )
    left = target.parameter("osf_svd_params.U_low", start.left)
    values = target.parameter("osf_svd_params.S_low", start.values)
    right = target.parameter("osf_svd_params.V_low", start.right)
    let (rows, columns) = (target.rows.count, target.inputs)
    outputs =
      rows > columns
      ? (terms.left.sliced(axis: 1, 0..<frozen).transposed, true) : (start.left.transposed, false)
    inputs =
      columns > rows
      ? (terms.right.sliced(axis: 0, 0..<frozen), true) : (start.right, false)
  }

  func delta(_ layer: SiteRows) -> Tensor {
    let type = left.value.dtype
    let before = matrixProduct(
      start.left.cast(to: type),
      start.right.cast(to: type).rowsScaled(by: start.values.cast(to: type)))
    return matrixProduct(left(), right().rowsScaled(by: values())) - before
  }
}

/// Keeps updates out of the frozen directions.
private struct OSFProjection: TrainingHook {
  let delta: OSFDelta

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    if let gradient = gradients[delta.left.leaf] {
      gradients[delta.left.leaf] =
        projected(gradient.transposed, delta.outputs).transposed
    }
    if let gradient = gradients[delta.right.leaf] {
      gradients[delta.right.leaf] = projected(gradient, delta.inputs)
    }
  }

  /// Rows without, or with nothing but, their part along orthonormal directions.
  private func projected(
    _ rows: Tensor, _ rule: (directions: Tensor, isRemoved: Bool)
  ) -> Tensor {
    let part = matrixProduct(linear(rows, weight: rule.directions), rule.directions)
    return rule.isRemoved ? rows - part : part
  }
}
