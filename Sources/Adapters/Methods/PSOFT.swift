package import Formats
package import Layers
package import Recipes
package import Tensors

/// Orthogonal fine-tuning in the principal subspace (PSOFT, arXiv 2505.11235; as in PEFT 0.21.2,
/// `PSOFT`): ΔW = s B (R − I) A, s = α/r.
///
/// A `[r, in]` and B `[out, r]` are frozen and come from the largest singular terms of W: V and U S/s, or
/// with `pissa_init` the roots of S/s on either side. R is a rotation: `psoft_R.weight` `[r (r − 1)/2]`,
/// the strict upper triangle of U, zero at first, Q = U − Uᵀ, R = (I + Q)(I − Q)⁻¹ or its series; without
/// `psoft_orth` any `[r, r]`, I at first. `vector_b` scales its rows, `vector_a` its columns.
/// PEFT keeps A and B out of its files, and R does not commute with the signs of singular vectors: a file
/// of PEFT means what it did only under the same signs, and no file of ours is offered to PEFT.
package struct PSOFT: PEFTMethod {
  package static let name = "psoft"
  package static let summary = "rotation within the principal subspace of a weight (PSOFT)"
  package static let options: OptionTable = [
    .rank(32), .alpha(32, aliases: ["psoft_alpha"]),
    Option(
      "ab_svd_init", .oneOf(["psoft_init", "pissa_init"]), default: "psoft_init",
      "Where the singular values go: to B, or to both factors."),
    Option("psoft_orth", .boolean, default: true, "Whether R is a rotation."),
    Option("psoft_mag_a", .boolean, default: true, "Whether the columns of R are scaled."),
    Option("psoft_mag_b", .boolean, default: true, "Whether the rows of R are scaled."),
    Option(
      "use_cayley_neumann", .boolean, default: false,
      "Whether the rotation is a series instead of an inverse."),
    Option(
      "num_cayley_neumann_terms", .integer, default: 5, range: .atLeast(1),
      "Terms of that series."),
    .dropout("psoft_dropout"),
  ]
  package static let peftType = "PSOFT"
  package static let capabilities: AdapterCapabilities = [
    .linear, .mergeable, .zeroStart, .readsBase,
  ]
  package static let absentFields: Set<String> = ["bias"]
  package static let fixedFields = [
    FixedField("psoft_svd", "full", "the factors of a randomized decomposition differ"),
    FixedField("cayley_neumann_eps", nil, "a bound on the series' argument is not offered"),
  ]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let splitsValues: Bool
  private let form: PSOFTForm

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    splitsValues = options.text("ab_svd_init") == "pissa_init"
    form = PSOFTForm(
      isRotation: options.bool("psoft_orth"), scalesRows: options.bool("psoft_mag_b"),
      scalesColumns: options.bool("psoft_mag_a"),
      terms: options.bool("use_cayley_neumann") ? options.int("num_cayley_neumann_terms") : nil)
    fields = PEFTFields.object(
      options, renamed: ["alpha": "psoft_alpha", "dropout": "psoft_dropout"], PEFTFields.layers,
      [
        "fan_in_fan_out": false, "init_weights": true, "psoft_svd_lowrank_niter": 10,
        "random_seed": 0,
      ])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let terms = target.singularValues()
    let leading = 0..<target.rank
    let values = terms.values.sliced(axis: 0, leading).scaled(by: 1 / target.scaling)
    let (left, right) = (terms.left.sliced(axis: 1, leading), terms.right.sliced(axis: 0, leading))
    let roots = values.squareRoot()
    return PSOFTDelta(
      down: target.buffer("psoft_A", splitsValues ? right.rowsScaled(by: roots) : right),
      up: target.buffer("psoft_B", left * (splitsValues ? roots : values)), form: form, target)
  }

  package func trainableCount(for target: AdapterTarget) -> Int {
    let rank = target.rank
    return (form.isRotation ? rank * (rank - 1) / 2 : rank * rank)
      + (form.scalesRows ? rank : 0) + (form.scalesColumns ? rank : 0)
  }

  /// A and B are made of the base weight.
  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    module.modules.flatMap { $0.change.parameters }.map { StoredValue($0.path, $0.value) }
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for parameter in module.modules.flatMap({ $0.change.parameters }) {
      values[parameter.path] = try value(parameter.path)
    }
    return values
  }
}

/// What R is made of.
private struct PSOFTForm: Sendable {
  let isRotation: Bool
  let scalesRows: Bool
  let scalesColumns: Bool
  /// Of the series; nil for the inverse.
  let terms: Int?
}

private struct PSOFTDelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let core: Parameter
  let rowScale: Parameter?
  let columnScale: Parameter?
  let form: PSOFTForm
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [core] + [rowScale, columnScale].compactMap { $0 } }
  var buffers: [Parameter] { [down, up] }
  var inputDropout: Dropout? { dropout }
  private var rank: Int { down.shape[0] }

  init(down: Parameter, up: Parameter, form: PSOFTForm, _ target: AdapterTarget) {
    (self.down, self.up, self.form) = (down, up, form)
    let rank = target.rank
    core =
      form.isRotation
      ? target.parameter("psoft_R.weight", [rank * (rank - 1) / 2], .zeros)
      : target.parameter("psoft_R.weight", Tensor.identity(rank, .f32))
    rowScale = form.scalesRows ? target.parameter("psoft_R.vector_b", [rank], .ones) : nil
    columnScale = form.scalesColumns ? target.parameter("psoft_R.vector_a", [rank], .ones) : nil
    scaling = target.scaling
    dropout = target.inputDropout
  }

  /// s (R − I), `[r, r]`.
  private var change: Tensor {
    var r = core()
    if form.isRotation {
      let skew = r.reshaped(to: [1, r.elementCount]).skewSymmetric(size: rank)
      let turned = form.terms.map { skew.cayleyNeumann(terms: $0) } ?? skew.scaled(by: -1).cayley()
      r = turned.reshaped(to: [rank, rank])
    }
    if let rowScale { r = r.rowsScaled(by: rowScale()) }
    if let columnScale { r = r * columnScale() }
    return (r - Tensor.identity(rank, r.dtype)).scaled(by: scaling)
  }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(up.value, matrixProduct(change, down.value))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = down.value.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let hidden = linear(linear(dropout(x, context), weight: a), weight: change)
    return linear(hidden, weight: up.value.sliced(axis: 0, 0..<outputs))
  }
}
