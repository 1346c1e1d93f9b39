package import Formats
package import Layers
package import Recipes
import Tensors

/// Decompositional fine-tuning (DEFT, arXiv 2509.22793; as in PEFT 0.21.2, `DEFT`):
/// W' = W − Q Kᵀ W + s Q R.
///
/// `deft_P` is `[out, r]`, normal with deviation 0.02 at first; with `relu` Q = P and K = max(P, 0), with
/// `qr` Q = K is the orthonormal factor of P under LAPACK's signs. `deft_R` is `[r, in]`, Kᵀ W/s at first,
/// so that nothing changes; `para: true` leaves it out, and the first output is then not the frozen
/// model's. s = α/r, 1 without `alpha`.
package struct DEFT: PEFTMethod {
  package static let name = "deft"
  package static let summary = "removal of a subspace and injection of a trained one (DEFT)"
  package static let options: OptionTable = [
    .rank(8), .alpha(.absent),
    Option(
      "decomposition_method", .oneOf(["relu", "qr"]), default: "relu",
      "How the subspace is made of the trained matrix."),
    Option("para", .boolean, default: false, "Whether the subspace is only removed."),
  ]
  package static let peftType = "DEFT"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows, .readsBase]
  package static let biasName = "deft_only"
  package static let fixedFields = [
    FixedField("deft_dropout", 0, "dropout beside a map of the whole weight is not offered")
  ]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let isOrthogonal: Bool
  private let removesOnly: Bool
  private let hasScaling: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    isOrthogonal = options.text("decomposition_method") == "qr"
    removesOnly = options.bool("para")
    hasScaling = options.optionalNumber("alpha") != nil
    fields = PEFTFields.object(
      options, PEFTFields.layers,
      ["fan_in_fan_out": false, "init_scale": 1.0, "init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let subspace = target.parameter(
      "deft_P", [target.rows.count, target.rank], .normal(standardDeviation: 0.02))
    subspace.initialize(seed: shared.seed)
    let scaling = hasScaling ? target.scaling : 1
    var map = DEFTMap(
      subspace: subspace, injected: nil, isOrthogonal: isOrthogonal, scaling: scaling)
    if !removesOnly {
      let first = matrixProduct(map.bases.k.detached().transposed, target.layer.weight.detached())
      map.injected = target.parameter("deft_R", first.scaled(by: 1 / scaling))
    }
    return map
  }

  /// r out, and with injection r in more.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.rows.count + (removesOnly ? 0 : target.inputs))
  }
}

private struct DEFTMap: WeightMap {
  let subspace: Parameter
  var injected: Parameter?
  let isOrthogonal: Bool
  let scaling: Double

  var parameters: [Parameter] { [subspace] + (injected.map { [$0] } ?? []) }

  /// Q and K, `[out, r]`.
  var bases: (q: Tensor, k: Tensor) {
    guard isOrthogonal else { return (subspace(), subspace().relu()) }
    let free = subspace().orthonormalColumns()
    let known = subspace.value.orthogonalTriangular().q
    let same = (free.detached() * known).summed(over: [0]).cast(to: .f64)
    let signs = same.elements(as: Double.self).map { $0 < 0 ? -1.0 : 1 }
    let q = free * Tensor(signs, shape: [signs.count]).cast(to: free.dtype)
    return (q, q)
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let (q, k) = bases
    let removed = matrixProduct(q, matrixProduct(k.transposed, base))
    guard let injected else { return base - removed }
    return base - removed + matrixProduct(q, injected()).scaled(by: scaling)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let (q, k) = bases
    let y = layer.product(x, context)
    var hidden = linear(y, weight: k.transposed).scaled(by: -1)
    if let injected { hidden = hidden + linear(x, weight: injected()).scaled(by: scaling) }
    let result = y + linear(hidden, weight: q)
    return layer.bias.map { result + $0 } ?? result
  }
}
