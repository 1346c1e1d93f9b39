package import Formats
package import Layers
package import Recipes
import Synchronization
import Tensors

/// Full-rank adaptation in a shared basis (FRoD, arXiv 2512.23485; as in PEFT 0.21.2, `FROD`):
/// W' = U (diag(λ) + S) Vᵀ with S sparse.
///
/// V `[in, in]` is frozen and shared by all modules of one kind (the last two parts of the path); with
/// M = W V⁻ᵀ, U `[out, in]` has M's columns divided by their norms, which are the first λ. S has
/// in² · `sparse_rate` entries off the diagonal, zero at first, at places shared like V
/// (`frod_s_indices` i64 `[2, n]`, `frod_s_size` i64 `[2]`).
/// V is made as in PEFT: with the stacked weights = Q R and Q's parts Qᵢ, V = Rᵀ E with E the
/// eigenvectors of the mean of (Qᵢᵀ Qᵢ + α I)⁻¹; fewer rows than columns take the right singular vectors.
/// When PEFT reads a file, it keeps the U of the basis that it makes itself, whose signs are those of its
/// linear algebra: its files are read here, and none is offered to it.
package struct FRoD: PEFTMethod {
  package static let name = "frod"
  package static let summary = "rescaled and sparsely coupled directions of a shared basis (FRoD)"
  package static let options: OptionTable = [
    Option(
      "sparse_rate", .number, default: 0.01, range: .within(0...1),
      "Part of the basis' pairs that are coupled."),
    Option(
      "regularization_alpha", .number, default: 0.001, range: .above(0),
      "Ridge under which the shared basis is made."),
    Option(
      "projection_prng_key", .integer, default: 0, range: .atLeast(0),
      "Seed of the couplings' places."),
  ]
  package static let peftType = "FROD"
  package static let capabilities: AdapterCapabilities = [
    .linear, .mergeable, .zeroStart, .readsBase,
  ]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "frod_only"
  package static let fixedFields = [
    FixedField("frod_dropout", 0, "dropout beside a map of the whole weight is not offered"),
    FixedField("save_projection", true, "a file without its basis cannot be read"),
  ]

  package let fields: JSONObject
  private let rate: Double
  private let ridge: Double
  private let seed: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    rate = options.number("sparse_rate")
    ridge = options.number("regularization_alpha")
    seed = options.int("projection_prng_key")
    fields = PEFTFields.object(
      options, PEFTFields.layers,
      [
        "fan_in_fan_out": false, "init_weights": true, "progressbar": false,
        "runtime_offload_base_weight": false,
      ])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    let kinds = Dictionary(grouping: targets) { Self.kind($0) }
    var generator = TorchGenerator(seed: seed)
    var bases: [String: FRoDBasis] = [:]
    for kind in kinds.keys.sorted() {
      let members = kinds[kind] ?? []
      guard let size = members.first?.inputs, members.allSatisfy({ $0.inputs == size }) else {
        throw .unsupported(
          module: members.map(\.site.path).joined(separator: ", "), method: Self.name,
          reason:
            "modules called \(kind) share a basis and have different inputs. Adapt one of them")
      }
      let count = entries(size)
      let places = generator.permutation(of: size * (size - 1), first: count)
      // Numbers of the entries off the diagonal, row by row.
      let rows = places.map { $0 / (size - 1) }
      let columns = zip(places, rows).map { place, row in
        let column = place % (size - 1)
        return column < row ? column : column + 1
      }
      let numbers = (rows + columns).map { Int64($0) }
      bases[kind] = FRoDBasis(
        v: shared.buffer("frod_V." + kind, basis(members.map { $0.layer.weight.detached() })),
        indices: shared.buffer("frod_s_indices." + kind, Tensor(numbers, shape: [2, count])),
        size: shared.buffer(
          "frod_s_size." + kind, Tensor([Int64(size), Int64(size)], shape: [2])))
    }
    return targets.compactMap { target in bases[Self.kind(target)].map { FRoDMap($0, target) } }
  }

  /// in + n.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.inputs + entries(target.inputs)
  }

  private func entries(_ size: Int) -> Int {
    min(max(rate > 0 ? 1 : 0, Int(Double(size * size) * rate)), size * (size - 1))
  }

  private static func kind(_ target: AdapterTarget) -> String {
    let parts = target.site.path.split(separator: ".").suffix(2).map(String.init)
    guard parts.count == 2, Int(parts[0]) == nil else { return parts.last ?? "" }
    return parts.joined(separator: "_")
  }

  /// The basis that weights `[out, in]` share.
  private func basis(_ weights: [Tensor]) -> Tensor {
    let stacked = Tensor.concatenated(weights, axis: 0).cast(to: .f64)
    let size = stacked.shape[1]
    guard stacked.shape[0] >= size else {
      // All directions: those of the weights, then the rest.
      return (matrixProduct(stacked.transposed, stacked)).symmetricEigenvalues().vectors
        .cast(to: .f32)
    }
    let (q, r) = stacked.orthogonalTriangular()
    var mean = Tensor(zeros: [size, size], dtype: .f64)
    var start = 0
    for weight in weights {
      let part = q.sliced(axis: 0, start..<(start + weight.shape[0]))
      start += weight.shape[0]
      let ridged =
        matrixProduct(part.transposed, part) + Tensor.identity(size, .f64).scaled(by: ridge)
      mean = mean + ridged.inverse().scaled(by: 1 / Double(weights.count))
    }
    return matrixProduct(r.transposed, mean.symmetricEigenvalues().vectors).cast(to: .f32)
  }
}

/// What modules of one kind share.
private struct FRoDBasis: Sendable {
  let v: Parameter
  let indices: Parameter
  let size: Parameter
}

private struct FRoDMap: WeightMap {
  let basis: FRoDBasis
  let scales: Parameter
  let couplings: Parameter
  private let left: FRoDLeft

  var parameters: [Parameter] { [scales, couplings] }

  init(_ basis: FRoDBasis, _ target: AdapterTarget) {
    self.basis = basis
    left = FRoDLeft()
    let (_, norms) = left(target.layer.weight.detached(), basis.v)
    scales = target.parameter("frod_lambda_l", norms)
    couplings = target.parameter("frod_lambda_s_values", [basis.indices.shape[1]], .zeros)
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let size = basis.v.shape[0]
    let (unit, _) = left(layer.weight.detached(), basis.v)
    let numbers = basis.indices.value.integers
    let count = couplings.elementCount
    let places =
      (0..<size).map { $0 * (size + 1) }
      + (0..<count).map { numbers[$0] * size + numbers[count + $0] }
    let core = Tensor.concatenated([scales(), couplings()], axis: 0)
      .scattered(to: places, count: size * size).reshaped(to: [size, size])
    let type = core.dtype
    return matrixProduct(
      matrixProduct(unit.cast(to: type), core), basis.v.value.cast(to: type).transposed)
  }
}

/// U of a module, made once for every value of the basis.
private final class FRoDLeft: Sendable {
  private let known = Mutex<(version: Int, unit: Tensor, norms: Tensor)?>(nil)

  /// U `[out, in]` and the norms `[in]` of M's columns.
  func callAsFunction(_ weight: Tensor, _ basis: Parameter) -> (unit: Tensor, norms: Tensor) {
    known.withLock { known in
      if let known, known.version == basis.version { return (known.unit, known.norms) }
      let m = matrixProduct(
        weight.cast(to: .f64), basis.value.cast(to: .f64).transposed.inverse())
      let norms = m.transposed.rowNorms(atLeast: 1e-12)
      let unit = m * norms.reciprocal()
      let made = (basis.version, unit.cast(to: .f32), norms.cast(to: .f32))
      known = made
      return (made.1, made.2)
    }
  }
}
