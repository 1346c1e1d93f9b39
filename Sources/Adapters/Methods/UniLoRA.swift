package import Formats
package import Layers
package import Recipes
import Tensors

/// LoRA whose values are all drawn from one trained vector (Uni-LoRA, arXiv 2506.00799; as in PEFT 0.21.2,
/// `UNILORA`): ΔW = B A, A = θ[i_A] ∘ s_A, B = θ[i_B] ∘ s_B.
///
/// `unilora_theta_d` `[theta_d_length]` is shared, uniform in ±`init_theta_d_bound` at first, so that the
/// first output is not the frozen model's. `unilora_indices_A` i64 `[r, in]` and `_B` `[out, r]` are a
/// random order of all entries of θ, each taken equally often, and a scale is one over the root of the
/// number of uses. Files of PEFT without indices (`save_indices: false`) depend on numpy's generator and are
/// refused.
package struct UniLoRA: PEFTMethod {
  package static let name = "unilora"
  package static let summary = "LoRA with all values from one trained vector (Uni-LoRA)"
  package static let options: OptionTable = [
    .rank(4),
    Option(
      "theta_d_length", .integer, default: 256, range: .atLeast(1), "Length of the vector."),
    Option(
      "init_theta_d_bound", .number, default: 0.02, range: .atLeast(0),
      "Bound of its first values."),
    Option(
      "proj_seed", .integer, default: 42, range: .atLeast(0), "Seed of the random order."),
    .dropout("unilora_dropout"),
  ]
  package static let peftType = "UNILORA"
  package static let capabilities: AdapterCapabilities = [.linear, .mergeable, .portable]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "unilora_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let length: Int
  private let bound: Double
  private let seed: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    length = options.int("theta_d_length")
    bound = options.number("init_theta_d_bound")
    seed = options.int("proj_seed")
    fields = PEFTFields.object(
      options, renamed: ["dropout": "unilora_dropout"], PEFTFields.layers,
      ["fan_in_fan_out": false, "init_weights": true, "save_indices": true])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    try requireOneRank(targets)
    let total = targets.reduce(0) { $0 + $1.rank * ($1.inputs + $1.rows.count) }
    var generator = TorchGenerator(seed: seed)
    let order = generator.permutation(of: total, first: total).map { $0 % length }
    let uses = order.reduce(into: [Int](repeating: 0, count: length)) { $0[$1] += 1 }
    let scales = uses.map { $0 == 0 ? 0 : 1 / Float($0).squareRoot() }
    let theta = shared.value("unilora_theta_d", [length], .uniform(bound: bound))
    var start = 0
    func take(_ target: AdapterTarget, _ name: String, _ shape: [Int]) -> UniLoRADelta.Factor {
      let part = order[start..<(start + shape[0] * shape[1])]
      start += part.count
      return UniLoRADelta.Factor(
        indices: target.buffer(
          "unilora_indices_\(name)", Tensor(part.map { Int64($0) }, shape: shape)),
        scales: target.buffer(
          "unilora_scales_\(name)", Tensor(part.map { scales[$0] }, shape: shape)))
    }
    return targets.map { target in
      UniLoRADelta(
        theta: theta, down: take(target, "A", [target.rank, target.inputs]),
        up: take(target, "B", [target.rows.count, target.rank]), dropout: target.inputDropout)
    }
  }

  package func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int { length }

  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    if configuration["save_indices"]?.bool != true {
      throw UnsupportedConfiguration(
        "save_indices is false, and the indices come from numpy's generator. Save the adapter again "
          + "with save_indices: true")
    }
    return namedOptions(configuration)
  }
}

private struct UniLoRADelta: WeightDelta {
  /// One of the two matrices.
  struct Factor: Sendable {
    let indices: Parameter
    let scales: Parameter
  }

  let theta: Parameter
  let down: Factor
  let up: Factor
  let dropout: Dropout

  var parameters: [Parameter] { [theta] }
  var buffers: [Parameter] { [down.indices, down.scales, up.indices, up.scales] }
  var inputDropout: Dropout? { dropout }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(matrix(up), matrix(down)) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = matrix(down).sliced(axis: 1, 0..<(x.shape.last ?? 0))
    return linear(
      linear(dropout(x, context), weight: a), weight: matrix(up).sliced(axis: 0, 0..<outputs))
  }

  private func matrix(_ factor: Factor) -> Tensor {
    let places = factor.indices.value.integers.map { Int32($0) }
    return theta().gathered(axis: 0, indices: Tensor(places, shape: [places.count]))
      .reshaped(to: factor.indices.shape) * factor.scales.value
  }
}
