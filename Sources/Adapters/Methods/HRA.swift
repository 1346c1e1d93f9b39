package import Formats
package import Layers
package import Recipes
import Tensors

/// Householder reflection adaptation (arXiv 2405.17484, equation 4; as in PEFT 0.21.2, `HRA`): W' = W P.
///
/// `hra_u` is `[in · kernel, r]` with columns u; P = Π (I − 2 û ûᵀ) in their order, û = u/‖u‖. With
/// `apply_gs` the columns are made orthonormal first, P = I − 2 Q Qᵀ. Columns come in equal pairs at
/// first, so that P = I; with an odd r or `apply_gs` they are all drawn and the first output is not the
/// frozen model's.
package struct HRA: PEFTMethod {
  package static let name = "hra"
  package static let summary = "chain of Householder reflections of inputs (HRA)"
  package static let options: OptionTable = [
    .rank(8),
    Option(
      "apply_gs", .boolean, default: false, aliases: ["apply_GS"],
      "Whether the reflections are made orthogonal to each other by Gram-Schmidt."),
  ]
  package static let peftType = "HRA"
  package static let capabilities: AdapterCapabilities = [
    .portableLinear, .convolution2D, .rows,
  ]
  package static let biasName = "hra_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let isOrthogonal: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    isOrthogonal = options.bool("apply_gs")
    fields = PEFTFields.object(
      options, renamed: ["apply_gs": "apply_GS"], PEFTFields.layers, ["init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let vectors = target.parameter(
      "hra_u", [target.inputs, target.rank], .uniform(bound: 1 / Double(target.rank).squareRoot()))
    vectors.initialize(seed: shared.seed)
    if target.rank % 2 == 0, !isOrthogonal {
      let pairs = (0..<target.rank).map { Int32($0 / 2 * 2) }
      vectors.value = vectors.value.gathered(
        axis: 1, indices: Tensor(pairs, shape: [target.rank]))
    }
    return HRAMap(vectors: vectors, isOrthogonal: isOrthogonal)
  }

  /// in · kernel · r.
  package func trainableCount(for target: AdapterTarget) -> Int { target.inputs * target.rank }
}

private struct HRAMap: WeightMap {
  let vectors: Parameter
  let isOrthogonal: Bool

  var parameters: [Parameter] { [vectors] }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor { reflected(base, reversed: false) }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    guard layer.site.kind == .linear else { return nil }
    return layer.plain(reflected(x, reversed: true), context)
  }

  /// Rows times P, or Pᵀ.
  private func reflected(_ rows: Tensor, reversed: Bool) -> Tensor {
    if isOrthogonal {
      let unit = vectors().orthonormalColumns()
      return rows - linear(linear(rows, weight: unit.transposed), weight: unit).scaled(by: 2)
    }
    let lines = vectors().transposed
    let units = lines.rowsScaled(by: lines.rowNorms().reciprocal())
    let order = Array(0..<vectors.shape[1])
    return (reversed ? order.reversed() : order).reduce(rows) { rows, index in
      let unit = units.sliced(axis: 0, index..<(index + 1))
      return rows - linear(linear(rows, weight: unit), weight: unit.transposed).scaled(by: 2)
    }
  }
}
