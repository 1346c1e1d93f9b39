package import Layers
package import Recipes
import Tensors

/// Singular value adaptation with a low-rank transformation (arXiv 2503.16055, section 3).
///
/// With W = U diag(σ) Vᵀ, σ descending, W' = U relu(M) Vᵀ, where M `[k, k]` has two diagonal blocks:
/// diag(a ∘ σ + c) of the leading ρ values and diag(σ) + X Y of the rest, X `[k − ρ, ℓ]`, Y
/// `[ℓ, k − ρ]`. a starts at 1, c and Y at 0, X Kaiming uniform with a = √20 (the reference's rule for
/// SAM 2; that for SAM 1 does not start from the frozen model). A convolution's weight is taken as a
/// matrix `[out, in · kernel]`. Regularizer: ‖a ∘ σ + c − σ‖ + ‖X Y‖, weighed by `reg`.
package struct SALT: RecordsOptions {
  /// What is clipped at zero: all of M as in the reference's code, its diagonal, or nothing.
  enum Clipping: String, CaseIterable { case full, diagonal, none }

  package static let name = "salt"
  package static let summary =
    "scales leading singular values, changes the rest by a low-rank matrix"
  package static let options: OptionTable = [
    Option(
      "ratio", .number, default: 0.1, range: .within(0...1),
      "Part of the singular values that are scaled, rounded down, at least one."),
    Option(
      "rho", .integer, default: .described("by ratio"), range: .atLeast(1),
      "Number of scaled singular values instead of a part."),
    Option(
      "conv_rank", .integer, default: .described("as for linear layers"), range: .atLeast(1),
      "Number of scaled singular values of convolutions."),
    Option(
      "r_lora", .integer, default: 256, range: .atLeast(1), "Rank of the change of the rest."),
    Option("relu", .choice(Clipping.self), default: "full", "What is clipped at zero."),
    Option(
      "reg", .number, default: 0, range: .atLeast(0), "Weight of the regularizer in the loss."),
  ]
  package static let peftType = "SALT"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  fileprivate let rank: Int
  fileprivate let clipping: Clipping
  fileprivate let weight: Double
  private let ratio: Double
  private let leading: Int?
  private let leadingOfConvolutions: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    rank = max(1, options.int("r_lora"))
    clipping = options.choice("relu", as: Clipping.self)
    weight = options.number("reg")
    ratio = options.number("ratio")
    leading = options.optionalInt("rho")
    leadingOfConvolutions = options.optionalInt("conv_rank")
    if leading != nil, options.isGiven("ratio"), let value = options.value("rho") {
      diagnostics.error(
        .rule("rho and ratio both set the scaled singular values", mend: "leave one out"),
        at: value)
    }
  }

  /// ρ of a target.
  fileprivate func leading(_ target: AdapterTarget) -> Int {
    let isConvolution = target.site.kind != .linear
    return (isConvolution ? leadingOfConvolutions : nil) ?? leading
      ?? max(1, Int(Double(SpectralFactors.count(target)) * ratio))
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(leading(target), method: Self.name)
    return SALTMap(target, self)
  }

  /// 2 ρ + 2 ℓ (k − ρ).
  package func trainableCount(for target: AdapterTarget) -> Int {
    let leading = leading(target)
    return 2 * leading + 2 * rank * (SpectralFactors.count(target) - leading)
  }
}

private struct SALTMap: WeightMap, Regularized {
  let factors: SpectralFactors
  let leading: SpectralScaling
  /// X and Y; nil where all values are leading.
  let rest: (x: Parameter, y: Parameter)?
  let clipping: SALT.Clipping
  let weight: Double

  var parameters: [Parameter] { leading.parameters + (rest.map { [$0.x, $0.y] } ?? []) }
  var buffers: [Parameter] { factors.buffers }

  init(_ target: AdapterTarget, _ method: SALT) {
    factors = SpectralFactors(target)
    let leading = method.leading(target)
    let (count, rank) = (factors.count - leading, method.rank)
    self.leading = SpectralScaling(
      target, factors, count: leading, names: ("trainable_scale_A", "trainable_shift_B"))
    let bound = (6 / (21 * Double(rank))).squareRoot()
    rest =
      count > 0
      ? (
        target.parameter("trainable_X", [count, rank], .uniform(bound: bound)),
        target.parameter("trainable_Y", [rank, count], .zeros)
      ) : nil
    clipping = method.clipping
    weight = method.weight
  }

  /// Blocks of relu(M) − diag(σ): the leading diagonal, and the rest.
  private var change: (diagonal: Tensor, block: Tensor?) {
    func clipped(_ values: Tensor) -> Tensor { clipping == .none ? values : values.relu() }
    let diagonal = clipped(leading()) - leading.singularValues
    guard let rest else { return (diagonal, nil) }
    let (from, count) = (leading.count, factors.count)
    let identity = Tensor(identity: count - from, dtype: diagonal.dtype)
    let sigma = identity * factors.values().sliced(axis: 0, from..<count)
    let full = matrixProduct(rest.x(), rest.y()) + sigma
    guard clipping == .diagonal else { return (diagonal, clipped(full) - sigma) }
    let onDiagonal = full * identity
    return (diagonal, full - onDiagonal + clipped(onDiagonal) - sigma)
  }

  /// W + U (relu(M) − diag(σ)) Vᵀ, so that no rounding moves the start away from W.
  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let (diagonal, block) = change
    return base + factors.matrix(diagonal: diagonal, block: block)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let (diagonal, block) = change
    return factors.output(x, of: layer, diagonal: diagonal, block: block, context: context)
  }

  func regularizer(_ layer: SiteRows) -> Tensor {
    let moved = (leading() - leading.singularValues).norm()
    return rest.map { moved + matrixProduct($0.x(), $0.y()).norm() } ?? moved
  }

  func penalty(_ layer: SiteRows) -> Tensor? {
    weight > 0 ? regularizer(layer).scaled(by: weight) : nil
  }
}

/// a ∘ σ + c for the leading singular values.
struct SpectralScaling: Sendable {
  /// a `[p]`, 1 at first.
  let scale: Parameter
  /// c `[p]`, 0 at first.
  let shift: Parameter
  private let values: Parameter

  var parameters: [Parameter] { [scale, shift] }
  var count: Int { scale.shape[0] }
  /// σ of these values, `[p]`.
  var singularValues: Tensor { values().sliced(axis: 0, 0..<count) }

  init(
    _ target: AdapterTarget, _ factors: SpectralFactors, count: Int,
    names: (scale: String, shift: String)
  ) {
    scale = target.parameter(names.scale, [count], .ones)
    shift = target.parameter(names.shift, [count], .zeros)
    values = factors.values
  }

  /// `[p]`.
  func callAsFunction() -> Tensor { scale() * singularValues + shift() }
}

extension Tensor {
  /// The identity matrix of a size.
  fileprivate init(identity size: Int, dtype: DType) {
    self.init(zeros: [size, size], dtype: dtype)
    func fill<Element: TensorElement & BinaryFloatingPoint>(_: Element.Type) {
      withMutableElements(of: Element.self) { elements in
        for index in 0..<size { elements[index * size + index] = 1 }
      }
    }
    if dtype == .f64 { fill(Double.self) } else { fill(Float.self) }
  }
}
