import Layers
package import Recipes
import Tensors

/// First values whose first step follows full fine-tuning's (LoRA-GA, arXiv 2407.05000, theorem 3.1).
///
/// With G = U S Vᵀ the gradient of the weight, averaged over calibration samples, A and B are singular
/// vectors, disjoint among the first 2 r: `ArB2r` A = V[:r]ᵀ, B = U[r:2r]; `A2rBr` A = V[r:2r]ᵀ, B = U[:r];
/// `ArBr` those of odd numbers for A, of even ones for B; `random` two halves. Their scale: `stable` both
/// times out^¼/√γ, `gd` both over s, `unit` none, `weight` both times the mean of √(σᵢ/s) over the r
/// largest singular values of W. W − s B A stands in place of W, so that the first output is the base's.
///
/// As in the authors' program, with an exact decomposition; PEFT multiplies B by singular values and
/// scales it alone.
package struct LoRAGA: AdapterInitialization {
  /// Which singular vectors A and B get.
  enum Direction: String, CaseIterable { case ArB2r, A2rBr, ArBr, random }
  enum Scale: String, CaseIterable { case stable, gd, unit, weight }

  package static let name = "lora-ga"
  package static let summary = "singular vectors of the weight's gradient on training samples"
  package static let options: OptionTable = [
    Option("samples", .integer, default: 64, range: .atLeast(1), "Training samples."),
    Option(
      "direction", .choice(Direction.self), default: "ArB2r",
      "Singular vectors: A the first r and B the next, the other way round, alternating, or drawn."),
    Option(
      "scale", .choice(Scale.self), default: "stable", aliases: ["lora_ga_scale"],
      "stable: out^(1/4)/sqrt(gamma); gd: 1/scaling; unit: 1; weight: by singular values of W."),
    Option("gamma", .number, default: 16, range: .above(0), "γ of the stable scale."),
    Option(
      "norm_clip", .boolean, default: false,
      "Shrink A and B where the largest entry of s B A is above that of W."),
  ]
  package static let needs = CalibrationNeed.data
  package static let findsValues = true

  private let samples: Int
  private let direction: Direction
  private let scale: Scale
  private let gamma: Double
  private let clips: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    samples = options.int("samples")
    direction = options.choice("direction", as: Direction.self)
    scale = options.choice("scale", as: Scale.self)
    gamma = options.number("gamma")
    clips = options.bool("norm_clip")
  }

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    for target in targets { try target.requireRank(2 * target.rank, method: Self.name) }
    guard let probe = plan.probe else { return targets.map(reserved) }
    let count = min(samples, probe.count)
    let sums = try probe.weightGradients(targets, samples: count)
    return zip(targets, sums).map { target, sum in
      target.starting(start(target, sum.singularValues(), seed: plan.seed))
    }
  }

  package func reserved(_ target: AdapterTarget) -> AdapterTarget {
    target.starting(
      LowRankStart(
        down: Tensor(zeros: [target.rank, target.inputs]),
        up: Tensor(zeros: [target.rows.count, target.rank]), isOffset: true))
  }

  private func start(
    _ target: AdapterTarget, _ parts: SingularValues, seed: UInt64
  ) -> LowRankStart {
    let (forDown, forUp) = terms(target, seed: seed)
    let weight = target.layer.weight.detached()
    var factor = scaling(target, weight)
    let (down, up) = (
      parts.right.transposed.columns(forDown).transposed, parts.left.columns(forUp)
    )
    if clips {
      let largest = matrixProduct(up, down).largest * factor * factor * target.scaling
      let limit = weight.largest
      if largest > limit { factor *= (limit / largest).squareRoot() }
    }
    return LowRankStart(
      down: down.scaled(by: factor), up: up.scaled(by: factor), isOffset: true)
  }

  /// Numbers of the singular vectors of A and of B.
  private func terms(_ target: AdapterTarget, seed: UInt64) -> (down: [Int], up: [Int]) {
    let rank = target.rank
    switch direction {
    case .ArB2r: return (Array(0..<rank), Array(rank..<(2 * rank)))
    case .A2rBr: return (Array(rank..<(2 * rank)), Array(0..<rank))
    case .ArBr: return ((0..<rank).map { 2 * $0 + 1 }, (0..<rank).map { 2 * $0 })
    case .random:
      var generator = TorchGenerator(
        seed: Int(truncatingIfNeeded: seed) ^ pathHash(target.path(to: Self.name)))
      let order = generator.permutation(of: 2 * rank, first: 2 * rank)
      return (Array(order.prefix(rank)), Array(order.suffix(rank)))
    }
  }

  /// What A and B are multiplied by.
  private func scaling(_ target: AdapterTarget, _ weight: Tensor) -> Double {
    switch scale {
    case .stable: return Double(target.rows.count).squareRoot().squareRoot() / gamma.squareRoot()
    case .gd: return 1 / target.scaling
    case .unit: return 1
    case .weight:
      let values = weight.singularValues().values.cast(to: .f64).elements(as: Double.self)
        .prefix(target.rank)
      return values.reduce(0) { $0 + ($1 / target.scaling).squareRoot() } / Double(values.count)
    }
  }
}

extension Tensor {
  /// The largest magnitude of an element.
  fileprivate var largest: Double {
    detached().cast(to: .f64).elements(as: Double.self).reduce(0) { max($0, abs($1)) }
  }
}
