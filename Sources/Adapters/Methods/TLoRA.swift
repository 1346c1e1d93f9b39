package import Layers
package import Recipes
import Tensors

/// A transformed weight beside a residual, both from tensor rings (TLoRA, arXiv 2501.08727):
/// W' = W T + R.
///
/// With in = n₁ … n_C the transform T `[in, in]` is
/// T[(i₁…i_C), (j₁…j_C)] = Tr(G₁[i₁, j₁] … G_C[i_C, j_C]), cores `tlora_transform.c` `[ρ, n_c, n_c, ρ]`; with
/// rows = m₁ … m_C the residual is R[(i₁…), (j₁…)] = Tr(P₁[i₁] … P_C[i_C] Q₁[j₁] … Q_C[j_C]), cores
/// `tlora_out.c` `[ρ', m_c, ρ']` and `tlora_in.c` `[ρ', n_c, ρ']`, of rank ρ'² at most. The first output is the
/// base's: T = I, since row 1 of the first core's matrices, and of the others', is that of δ[i, j] e₁ e₁ᵀ;
/// the first core is zero elsewhere, the others uniform in ±1/√(ρ n_c), so that gradients reach every ring
/// after a step. The first P is zero, the others normal with deviation 1/√ρ', Q with 1/√(ρ' n_c).
///
/// Shapes of the cores and their first values are decisions after the abstract.
package struct TLoRA: RecordsOptions {
  package static let name = "tlora"
  package static let summary = "transform and residual of the weight from tensor rings (TLoRA)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "cores", .integer, default: 3, range: .atLeast(1),
      "Factors C that sizes are split into, as equal as their divisors allow."),
    Option(
      "transform_rank", .integer, default: 2, range: .atLeast(1), "Ring rank ρ of the transform."),
    Option(
      "residual_rank", .integer, default: 4, range: .atLeast(1),
      "Ring rank ρ' of the residual, whose matrix rank is its square at most."),
  ]
  package static let peftType = "TLORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  private let cores: Int
  private let transformRank: Int
  private let residualRank: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    cores = max(1, options.int("cores"))
    transformRank = max(1, options.int("transform_rank"))
    residualRank = max(1, options.int("residual_rank"))
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    let columns = Self.factors(of: target.inputs, count: cores)
    let rows = Self.factors(of: target.rows.count, count: cores)
    let rank = residualRank
    func residual(
      _ name: String, _ sizes: [Int], _ start: (_ index: Int, _ size: Int) -> Initialization
    ) -> [Parameter] {
      sizes.enumerated().map {
        target.parameter("\(name).\($0)", [rank, $1, rank], start($0, $1))
      }
    }
    return RingMap(
      transform: columns.enumerated().map {
        transformCore(target, index: $0, size: $1, seed: shared.seed)
      },
      up: residual("tlora_out", rows) { index, _ in
        index == 0 ? .zeros : .normal(standardDeviation: 1 / Double(rank).squareRoot())
      },
      down: residual("tlora_in", columns) { _, size in
        .normal(standardDeviation: 1 / Double(rank * size).squareRoot())
      })
  }

  /// ρ² Σ n_c² + ρ'² Σ (m_c + n_c).
  package func trainableCount(for target: AdapterTarget) -> Int {
    let columns = Self.factors(of: target.inputs, count: cores)
    let rows = Self.factors(of: target.rows.count, count: cores)
    return transformRank * transformRank * columns.reduce(0) { $0 + $1 * $1 }
      + residualRank * residualRank * (rows + columns).reduce(0, +)
  }

  /// A core whose ring starts as the identity.
  private func transformCore(
    _ target: AdapterTarget, index: Int, size: Int, seed: UInt64
  ) -> Parameter {
    let (name, rank) = ("tlora_transform.\(index)", transformRank)
    var stream = Philox(
      seed: seed, purpose: .initialization, step: 0, index: pathHash(target.path(to: name)))
    let bound = 1 / Double(rank * size).squareRoot()
    let block = size * size * rank
    let values = (0..<(rank * block)).map { place -> Float in
      let (pair, right) = (place % block / rank, place % rank)
      guard place >= block else { return right == 0 && pair / size == pair % size ? 1 : 0 }
      return index == 0 ? 0 : Float(stream.uniform(in: -bound...bound))
    }
    return target.parameter(name, Tensor(values, shape: [rank, size, size, rank]))
  }

  /// A size as a product of `count` numbers as equal as its prime factors allow, ascending.
  package static func factors(of size: Int, count: Int) -> [Int] {
    var primes: [Int] = []
    var (rest, divisor) = (size, 2)
    while divisor * divisor <= rest {
      if rest % divisor == 0 {
        primes.append(divisor)
        rest /= divisor
      } else {
        divisor += 1
      }
    }
    if rest > 1 { primes.append(rest) }
    var factors = [Int](repeating: 1, count: count)
    for prime in primes.reversed() {
      factors.sort()
      factors[0] *= prime
    }
    return factors.sorted()
  }
}

private struct RingMap: WeightMap {
  /// Each `[ρ, n_c, n_c, ρ]`.
  let transform: [Parameter]
  /// Each `[ρ', m_c, ρ']`.
  let up: [Parameter]
  /// Each `[ρ', n_c, ρ']`.
  let down: [Parameter]

  var parameters: [Parameter] { transform + up + down }

  /// T, `[in, in]`.
  private var matrix: Tensor {
    let sizes = transform.map { $0.shape[1] }
    let rank = transform[0].shape[0]
    let cores = transform.map { $0().reshaped(to: [rank, -1, rank]) }
    let last = cores[cores.count - 1].permuted([2, 0, 1]).reshaped(to: [rank * rank, -1])
    let entries: Tensor
    if cores.count > 1 {
      let chain = chained(Array(cores.dropLast())).permuted([1, 0, 2])
      entries = matrixProduct(chain.reshaped(to: [-1, rank * rank]), last)
    } else {
      let diagonal = Tensor.identity(rank, last.dtype).reshaped(to: [1, rank * rank])
      entries = matrixProduct(diagonal, last)
    }
    // i₁ j₁ i₂ j₂ … to i₁ i₂ … j₁ j₂ ….
    let axes = sizes.indices.map { 2 * $0 } + sizes.indices.map { 2 * $0 + 1 }
    let size = sizes.reduce(1, *)
    return entries.reshaped(to: sizes.flatMap { [$0, $0] }).permuted(axes)
      .reshaped(to: [size, size])
  }

  /// P and Q with R = P Q: `[rows, ρ'²]` and `[ρ'², in]`.
  private var residual: (up: Tensor, down: Tensor) {
    let squared = up[0].shape[0] * up[0].shape[0]
    return (
      chained(up.map { $0() }).permuted([1, 0, 2]).reshaped(to: [-1, squared]),
      chained(down.map { $0() }).permuted([2, 0, 1]).reshaped(to: [squared, -1])
    )
  }

  /// Products of the matrices of `[ρ, a_c, ρ]` over all numbers of their middle axes, `[ρ, Π a_c, ρ]`.
  private func chained(_ cores: [Tensor]) -> Tensor {
    cores.dropFirst().reduce(cores[0]) { chain, core in
      let rank = chain.shape[0]
      return matrixProduct(
        chain.reshaped(to: [-1, rank]), core.reshaped(to: [rank, -1])
      ).reshaped(to: [rank, -1, rank])
    }
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let (p, q) = residual
    return matrixProduct(base, matrix) + matrixProduct(p, q)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let (p, q) = residual
    return layer.plain(linear(x, weight: matrix), context) + linear(linear(x, weight: q), weight: p)
  }
}
