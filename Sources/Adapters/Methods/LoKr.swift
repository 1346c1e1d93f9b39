package import Formats
package import Layers
package import Recipes
import Tensors

/// Low-rank Kronecker product (LyCORIS, arXiv 2309.14859, section 3; as in PEFT 0.21.2, `LOKR`):
/// ΔW = s W₁ ⊗ W₂, s = α/r.
///
/// With out = o₁ o₂ and in = i₁ i₂ W₁ is `[o₁, i₁]` and W₂ `[o₂, i₂ · kernel]`, each whole or a product
/// of two matrices of rank r: W₂ unless r ≥ max(o₂, i₂)/2, W₁ only with `decompose_both` and
/// r < max(o₁, i₁)/2. W₁ (or its first factor) is zero at first, the rest uniform in
/// ±1/√(second axis). The scaling is α/r for whole matrices too, as in PEFT.
package struct LoKr: PEFTMethod {
  package static let name = "lokr"
  package static let summary = "Kronecker product of two small matrices (LoKr)"
  package static let options = OptionTable([
    .rank(8), .alpha(),
    Option(
      "decompose_both", .boolean, default: false,
      "Whether the first, small matrix is a product of low rank too."),
    Option(
      "decompose_factor", .integer, default: -1,
      "Size of the first matrix's sides; -1 takes the divisors nearest to the square root."),
    Option(
      "rank_dropout_scale", .boolean, default: false,
      "Whether rows kept by rank_dropout are divided by the part that was kept."),
  ]).adding(DeltaDropout.options)
  package static let peftType = "LOKR"
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
  private let decomposesBoth: Bool
  private let factor: Int
  private let dropout: DeltaDropout.Settings

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    decomposesBoth = options.bool("decompose_both")
    factor = options.int("decompose_factor")
    dropout = DeltaDropout.Settings(options)
    fields = PEFTFields.object(options, PEFTFields.layers, ["init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let sizes = sizes(of: target)
    let (first, second) = (sizes.first, sizes.second)
    func matrix(
      _ name: String, _ shape: (rows: Int, columns: Int), isWhole: Bool, isZero: Bool
    ) -> [Parameter] {
      let rank = target.rank
      guard !isWhole else {
        return [
          target.parameter(
            name, [shape.rows, shape.columns], isZero ? .zeros : .fanIn(shape.columns))
        ]
      }
      return [
        target.parameter(name + "_a", [shape.rows, rank], isZero ? .zeros : .fanIn(rank)),
        target.parameter(name + "_b", [rank, shape.columns], .fanIn(shape.columns)),
      ]
    }
    return LoKrDelta(
      first: matrix("lokr_w1", first, isWhole: sizes.isFirstWhole, isZero: true),
      second: sizes.isSecondWhole
        ? [kernel(target, second)]
        : matrix("lokr_w2", second, isWhole: false, isZero: false),
      scaling: target.scaling, dropout: DeltaDropout(dropout, target))
  }

  /// The whole second matrix, in a convolution with the kernel's axes.
  private func kernel(
    _ target: AdapterTarget, _ size: (rows: Int, columns: Int)
  ) -> Parameter {
    let tail = Array(target.site.weight.shape.dropFirst(2))
    let channels = size.columns / tail.reduce(1, *)
    return target.parameter("lokr_w2", [size.rows, channels] + tail, .fanIn(size.columns))
  }

  package func trainableCount(for target: AdapterTarget) -> Int {
    let sizes = sizes(of: target)
    func count(_ shape: (rows: Int, columns: Int), _ isWhole: Bool) -> Int {
      isWhole ? shape.rows * shape.columns : target.rank * (shape.rows + shape.columns)
    }
    return count(sizes.first, sizes.isFirstWhole) + count(sizes.second, sizes.isSecondWhole)
  }

  private typealias Sizes = (
    first: (rows: Int, columns: Int), isFirstWhole: Bool, second: (rows: Int, columns: Int),
    isSecondWhole: Bool
  )

  private func sizes(of target: AdapterTarget) -> Sizes {
    let channels = target.site.weight.shape[1]
    let kernel = target.inputs / channels
    let outputs = Self.factors(of: target.rows.count, factor)
    let inputs = Self.factors(of: channels, factor)
    let rank = Double(target.rank)
    return (
      (outputs.0, inputs.0),
      !(decomposesBoth && rank < Double(max(outputs.0, inputs.0)) / 2),
      (outputs.1, inputs.1 * kernel), rank >= Double(max(outputs.1, inputs.1)) / 2
    )
  }

  /// Two factors of a size, the smaller first: those of least sum, of which the first is at most
  /// `factor`; `factor` itself where it divides.
  package static func factors(of size: Int, _ factor: Int) -> (Int, Int) {
    if factor > 0, size % factor == 0 { return (factor, size / factor) }
    let limit = factor == -1 ? size : factor
    var (m, n) = (1, size)
    var length = m + n
    while m < n {
      var next = m + 1
      while size % next != 0 { next += 1 }
      let other = size / next
      if next + other > length || next > limit { break }
      (m, n) = (next, other)
      length = m + n
    }
    return (min(m, n), max(m, n))
  }
}

private struct LoKrDelta: WeightDelta {
  /// One matrix, or two factors of it.
  let first: [Parameter]
  let second: [Parameter]
  let scaling: Double
  let dropout: DeltaDropout

  var parameters: [Parameter] { first + second }

  func delta(_ layer: SiteRows) -> Tensor {
    func matrix(_ factors: [Parameter]) -> Tensor {
      factors.count == 1
        ? factors[0]().reshaped(to: [factors[0].shape[0], -1])
        : matrixProduct(factors[0](), factors[1]())
    }
    return matrix(first).scaled(by: scaling).kronecker(matrix(second))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    layer.applied(dropout(delta(layer), context), bias: nil, to: x, outputs: outputs)
  }
}
