package import Formats
package import Layers
package import Recipes
package import Tensors

/// Adaptive budget allocation (AdaLoRA, arXiv 2303.10512; as in PEFT 0.21.2, `ADALORA`):
/// ΔW = α/(r₀ + 10⁻⁵) B (A ∘ E).
///
/// `lora_A` is `[r₀, in · kernel]`, `lora_B` `[out, r₀]`, both normal with deviation 0.02 at first,
/// `lora_E` `[r₀, 1]`, zero at first; r₀ = `init_r`. While training, the least important of all triplets
/// lose their E until `target_r` times as many modules are left (`AdaLoRABudget`), and the factors are
/// kept orthogonal by a term of the loss: orth_reg_weight times the mean over all A and B of
/// ‖P Pᵀ − I‖_F.
package struct AdaLoRA: PEFTMethod {
  package static let name = "adalora"
  package static let summary = "low-rank update whose ranks follow a budget (AdaLoRA)"
  package static let options: OptionTable = [
    Option("init_r", .integer, default: 12, range: .atLeast(1), "Rank of every module at first."),
    Option(
      "target_r", .integer, default: 8, range: .atLeast(0), "Mean rank of modules in the end."),
    .alpha(8),
    Option("tinit", .integer, default: 0, range: .atLeast(0), "Steps before ranks fall."),
    Option(
      "tfinal", .integer, default: 0, range: .atLeast(0), "Steps at the end with fixed ranks."),
    Option(
      "delta_t", .integer, default: 1, range: .atLeast(1), aliases: ["deltaT"],
      "Steps from one allocation to the next."),
    Option(
      "beta1", .number, default: 0.85, range: .between(0, 1), "Smoothing of the sensitivity."),
    Option(
      "beta2", .number, default: 0.85, range: .between(0, 1), "Smoothing of its uncertainty."),
    Option(
      "orth_reg_weight", .number, default: 0.5, range: .atLeast(0),
      "Weight of the orthogonality term in the loss."),
    Option(
      "total_step", .integer, default: .described("the steps of the run"), range: .atLeast(1),
      "Steps over which the budget is planned."),
    .dropout("lora_dropout"),
  ]
  package static let peftType = "ADALORA"
  package static let capabilities: AdapterCapabilities = [
    .portableLinear, .convolution2D, .rows,
  ]
  package static let fixedFields = [
    FixedField("use_dora", false, "PEFT has no AdaLoRA with it"),
    FixedField("use_rslora", false, "PEFT does not apply it to AdaLoRA"),
    FixedField("lora_bias", false, "a bias on B is not offered"),
  ]

  package let fields: JSONObject
  private let rank: Int
  private let alpha: Double
  private let dropout: Double
  private let penalty: Double
  private let budget: AdaLoRABudget.Settings

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    rank = max(1, options.int("init_r"))
    alpha = options.optionalNumber("alpha") ?? 8
    dropout = options.number("dropout")
    penalty = options.number("orth_reg_weight")
    budget = AdaLoRABudget.Settings(options)
    var fields = PEFTFields.object(
      options, renamed: ["alpha": "lora_alpha", "delta_t": "deltaT", "dropout": "lora_dropout"],
      LoRA.constants, PEFTFields.layers)
    fields["r"] = 8
    fields["alpha_pattern"] = [:]
    fields["rank_pattern"] = nil as JSONValue
    self.fields = fields
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    targets.map { target in
      // A file that PEFT cut to the surviving ranks is still scaled by the first one.
      let kept = target.stored["lora_A"]?.first ?? rank
      let drawn = Initialization.normal(standardDeviation: 0.02)
      return AdaLoRADelta(
        down: target.parameter("lora_A", [kept, target.inputs], drawn),
        values: target.parameter("lora_E", [kept, 1], .zeros),
        up: target.parameter("lora_B", [target.rows.count, kept], drawn),
        scaling: alpha / (Double(rank) + 1e-5), orthogonality: penalty / Double(2 * targets.count),
        state: AdaLoRAState(target, rank: kept),
        inputDropout: Dropout(path: target.path(to: "dropout"), probability: dropout))
    }
  }

  /// r₀ (in · kernel + out + 1).
  package func trainableCount(for target: AdapterTarget) -> Int {
    (target.stored["lora_A"]?.first ?? rank) * (target.inputs + target.rows.count + 1)
  }

  /// PEFT reads no file without the number of steps.
  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    let state = (adapter.modules.first?.change as? AdaLoRADelta)?.state
    let planned = state.map { Int($0.total.value.scalar) } ?? 0
    let least = budget.start + budget.end + 1
    fields["total_step"] = .integer(max(planned, budget.total ?? 0, least))
    return fields
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    let deltas = adapter.modules.compactMap { $0.change as? AdaLoRADelta }
    return deltas.isEmpty ? [] : [AdaLoRABudget(budget, deltas)]
  }

  /// Without the state of the budget, which is no part of the adapter's function.
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

/// The triplets of one target.
struct AdaLoRADelta: WeightDelta {
  let down: Parameter
  let values: Parameter
  let up: Parameter
  let scaling: Double
  /// Weight of each factor's distance from orthogonality.
  let orthogonality: Double
  let state: AdaLoRAState
  let inputDropout: Dropout?

  var parameters: [Parameter] { [down, values, up] }
  var buffers: [Parameter] { state.buffers }

  private var scaled: Tensor {
    down().rowsScaled(by: values().reshaped(to: [values.shape[0]])).scaled(by: scaling)
  }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(up(), scaled) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = inputDropout.map { $0(x, context) } ?? x
    guard layer.site.kind == .linear else {
      return layer.applied(delta(layer), bias: nil, to: input, outputs: outputs)
    }
    let hidden = linear(input, weight: scaled.sliced(axis: 1, 0..<(x.shape.last ?? 0)))
    return linear(hidden, weight: up().sliced(axis: 0, 0..<outputs))
  }

  func penalty(_ layer: SiteRows) -> Tensor? {
    guard orthogonality > 0 else { return nil }
    func distance(_ rows: Tensor) -> Tensor {
      let gram = linear(rows, weight: rows)
      return (gram - Tensor.identity(gram.shape[0], gram.dtype)).frobeniusNorm()
    }
    return (distance(down()) + distance(up().transposed)).scaled(by: orthogonality)
  }
}
