package import Layers
package import Recipes
import Tensors

/// Kronecker products that start from the weight's own (SoKA, arXiv 2506.15251):
/// ΔW = Σᵢ Bᵢ ⊗ Cᵢ − Σᵢ B⁰ᵢ ⊗ C⁰ᵢ over r terms.
///
/// With rows = m₁ m₂ and in = n₁ n₂ (divisors nearest to the roots, or `factor` first) B is `[r, m₁, n₁]`
/// (`soka_B`) and C `[r, m₂, n₂ · kernel]` (`soka_C`). They start as the leading terms of the Kronecker
/// decomposition of W (Van Loan): of W rearranged to `[m₁ n₁, m₂ n₂ · kernel]` = Σ σᵢ uᵢ vᵢᵀ,
/// B⁰ᵢ = √σᵢ uᵢ and C⁰ᵢ = √σᵢ vᵢ. These stay beside the trained ones as frozen values (`soka_B0`,
/// `soka_C0`) and are saved, so that the base is never changed and the first output is its own.
/// The number of terms is given; the paper's ways to find it are left out.
package struct SoKA: RecordsOptions {
  package static let name = "soka"
  package static let summary =
    "sum of Kronecker products that starts from the weight's largest (SoKA)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 16, range: .atLeast(1), aliases: ["rank", "terms"],
      "Kronecker products."),
    Option(
      "factor", .integer, default: -1,
      "Size of the first matrix's sides; -1 takes the divisors nearest to the square root."),
  ]
  package static let peftType = "SOKA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let factor: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    factor = options.int("factor")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, sizes) = (target.rank, KroneckerSizes(target, factor))
    guard rank <= sizes.limit else {
      throw .rankTooLarge(
        module: target.site.path, rank: rank, limit: sizes.limit, method: Self.name)
    }
    let start = MadeOnce { sizes.terms(of: target, count: rank) }
    func frozen(
      _ name: String, _ size: KroneckerSizes.Size, _ value: @escaping @Sendable () -> Tensor
    ) -> Parameter {
      Parameter(
        path: target.path(to: name), shape: [rank, size.rows, size.columns], computed: value)
    }
    func trained(_ name: String, _ size: KroneckerSizes.Size, _ first: () -> Tensor) -> Parameter {
      guard target.stored.isEmpty else {
        return target.parameter(name, [rank, size.rows, size.columns], .zeros)
      }
      return target.parameter(name, first())
    }
    return KroneckerDelta(
      first: trained("soka_B", sizes.first) { start.value.first.copied() },
      second: trained("soka_C", sizes.second) { start.value.second.copied() },
      frozenFirst: frozen("soka_B0", sizes.first) { start.value.first },
      frozenSecond: frozen("soka_C0", sizes.second) { start.value.second }, sizes: sizes)
  }

  /// r (m₁ n₁ + m₂ n₂ · kernel).
  package func trainableCount(for target: AdapterTarget) -> Int {
    let sizes = KroneckerSizes(target, factor)
    return target.rank * (sizes.first.count + sizes.second.count)
  }
}

/// Sizes of the two matrices whose Kronecker product has a weight's.
private struct KroneckerSizes: Sendable {
  struct Size: Sendable {
    let rows: Int
    let columns: Int
    var count: Int { rows * columns }
  }

  let first: Size
  let second: Size

  /// Terms that any matrix is a sum of.
  var limit: Int { min(first.count, second.count) }

  init(_ target: AdapterTarget, _ factor: Int) {
    let channels = target.site.weight.shape[1]
    let rows = LoKr.factors(of: target.rows.count, factor)
    let columns = LoKr.factors(of: channels, factor)
    first = Size(rows: rows.0, columns: columns.0)
    second = Size(rows: rows.1, columns: columns.1 * target.inputs / channels)
  }

  /// Leading terms of the Kronecker decomposition: `[count, m₁, n₁]` and `[count, m₂, n₂]`.
  func terms(of target: AdapterTarget, count: Int) -> (first: Tensor, second: Tensor) {
    let rearranged = target.layer.weight.detached()
      .reshaped(to: [first.rows, second.rows, first.columns, second.columns])
      .permuted([0, 2, 1, 3]).reshaped(to: [first.count, second.count])
    let parts =
      target.factors?.singularValues(of: rearranged) ?? rearranged.singularValues()
    let roots = parts.values.sliced(axis: 0, 0..<count).squareRoot()
    let left = parts.left.sliced(axis: 1, 0..<count).transposed.rowsScaled(by: roots)
    let right = parts.right.sliced(axis: 0, 0..<count).rowsScaled(by: roots)
    return (
      left.reshaped(to: [count, first.rows, first.columns]),
      right.reshaped(to: [count, second.rows, second.columns])
    )
  }

  /// Σᵢ Bᵢ ⊗ Cᵢ as one product of rearranged matrices, `[m₁ m₂, n₁ n₂]`.
  func sum(_ b: Tensor, _ c: Tensor) -> Tensor {
    let count = b.shape[0]
    let product = matrixProduct(
      b.reshaped(to: [count, first.count]).transposed, c.reshaped(to: [count, second.count]))
    return product.reshaped(to: [first.rows, first.columns, second.rows, second.columns])
      .permuted([0, 2, 1, 3])
      .reshaped(to: [first.rows * second.rows, first.columns * second.columns])
  }
}

private struct KroneckerDelta: WeightDelta {
  let first: Parameter
  let second: Parameter
  let frozenFirst: Parameter
  let frozenSecond: Parameter
  let sizes: KroneckerSizes

  var parameters: [Parameter] { [first, second] }
  var buffers: [Parameter] { [frozenFirst, frozenSecond] }

  func delta(_ layer: SiteRows) -> Tensor {
    sizes.sum(first(), second()) - sizes.sum(frozenFirst.value, frozenSecond.value)
  }
}
