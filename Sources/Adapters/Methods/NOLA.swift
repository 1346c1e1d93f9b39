package import Layers
package import Recipes
import Tensors

/// LoRA's factors as mixtures of random matrices (NOLA, arXiv 2310.02556, equation 3): ΔW = s B A with
/// A = A₀ + Σ aᵢ Aᵢ `[r, in]`, B = Σ bᵢ Bᵢ `[out, r]`, s = α/r.
///
/// Trained are the K coefficients a and b, zero at first. The bases are uniform in ±1/√K and follow from
/// a seed for each factor (`nola.lora_A.seed`, i64) by PyTorch's generator in F32, K matrices one after
/// another; A₀ is Kaiming uniform and kept. Bases are drawn anew in every pass, on the way back once more,
/// unless `keep_bases` holds them in memory: K r (in + out) numbers a layer. A convolution's weight is
/// taken as a matrix `[out, in · kernel]`.
package struct NOLA: RecordsOptions {
  package static let name = "nola"
  package static let summary = "LoRA with factors mixed from seeded random matrices (NOLA)"
  package static let options: OptionTable = [
    .rank(8), .alpha(),
    Option(
      "bases", .integer, default: 256, range: .atLeast(1), aliases: ["K"],
      "Random matrices that a factor is mixed from."),
    Option(
      "keep_bases", .boolean, default: false,
      "Keep the random matrices in memory instead of drawing them in every pass."),
    .dropout("nola_dropout"),
  ]
  package static let peftType = "NOLA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let count: Int
  private let keepsBases: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    count = options.int("bases")
    keepsBases = options.bool("keep_bases")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, rows, inputs) = (target.rank, target.rows.count, target.inputs)
    let start = target.parameter("nola.lora_A.weight", [rank, inputs], .fanIn(inputs))
    start.initialize(seed: shared.seed)
    func mixture(_ factor: String, _ shape: [Int]) -> RandomMixture {
      let seed =
        (Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: factor))) & 0x7FFF_FFFF
      return RandomMixture(
        coefficients: target.parameter("\(factor).coefficients", [count], .zeros),
        seed: target.buffer("\(factor).seed", Tensor([Int64(seed)], shape: [1])), shape: shape,
        keepsBases: keepsBases)
    }
    return NOLADelta(
      start: target.buffer("nola.lora_A.weight", start.value),
      down: mixture("nola.lora_A", [rank, inputs]), up: mixture("nola.lora_B", [rows, rank]),
      scaling: target.scaling, dropout: target.inputDropout)
  }

  /// 2 K.
  package func trainableCount(for target: AdapterTarget) -> Int { 2 * count }

  /// B₀ of the reference's program is zero and not kept.
  package func ignores(_ key: String) -> Bool { key.hasSuffix(".nola.lora_B.weight") }
}

/// Σ cᵢ Mᵢ of random matrices.
private struct RandomMixture: Sendable {
  let coefficients: Parameter
  let seed: Parameter
  let shape: [Int]
  /// The bases of a seed that are kept; nil where none are.
  private let kept: VersionedValue<Tensor>?

  init(coefficients: Parameter, seed: Parameter, shape: [Int], keepsBases: Bool) {
    (self.coefficients, self.seed, self.shape) = (coefficients, seed, shape)
    kept = keepsBases ? VersionedValue() : nil
  }

  /// In `shape`.
  func callAsFunction() -> Tensor {
    let count = coefficients.elementCount
    return recomputed(coefficients()) { values, _ in
      matrixProduct(values.reshaped(to: [1, count]), bases.cast(to: values.dtype))
        .reshaped(to: shape)
    }
  }

  /// `[K, elements]`.
  private var bases: Tensor {
    kept?.value(of: seed.version) { Allocator.making { drawn } } ?? drawn
  }

  private var drawn: Tensor {
    let count = coefficients.elementCount
    let bound = Float(count).squareRoot()
    var generator = TorchGenerator(seed: seed.value.integers[0])
    let numbers = generator.uniform(count * shape[0] * shape[1], in: -1..<1)
    return Tensor(numbers.map { $0 / bound }, shape: [count, shape[0] * shape[1]])
  }
}

private struct NOLADelta: WeightDelta {
  /// A₀.
  let start: Parameter
  let down: RandomMixture
  let up: RandomMixture
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down.coefficients, up.coefficients] }
  var buffers: [Parameter] { [start, down.seed, up.seed] }
  var inputDropout: Dropout? { dropout }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(up().scaled(by: scaling), start.value + down())
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = dropout(x, context)
    guard layer.site.kind == .linear else {
      return layer.applied(delta(layer), bias: nil, to: input, outputs: outputs)
    }
    let a = (start.value + down()).sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let b = up().sliced(axis: 0, 0..<outputs).scaled(by: scaling)
    return linear(linear(input, weight: a), weight: b)
  }
}
