package import Layers
package import Recipes
import Tensors

/// Incremental allocation of ranks (IncreLoRA, arXiv 2308.12043): ΔW = α/(ρ + 10⁻⁵) B (E ∘ A), whose rank ρ
/// grows from `r` where it matters.
///
/// `lora_A` `[R, in]` and `lora_B` `[rows, R]` are normal with deviation 0.02 at first, `lora_E` `[R, 1]` zero; R is
/// `max_r`. `rank_roles` `[R]` says what a unit is: 2 active, all of it trained; 1 in reserve, A and B trained
/// in advance under E = 10⁻⁵; 0 not yet there. `IncreLoRAGrowth` turns reserves into active units. α is
/// divided by the active units at hand. The first output is the base's up to the reserves' 10⁻⁵.
/// A term of the loss, `orth_reg_weight` times the mean over all A and B of ‖P Pᵀ − I‖_F, keeps the rows of
/// units that are there orthonormal. There is no weight decay, which would wear units down that are not.
///
/// The authors' program makes parameters where units are added; here their room is there from the start,
/// and `max_r` bounds it. Its choice by a threshold can overshoot the budget, this one cannot.
package struct IncreLoRA: RecordsOptions {
  package static let name = "increlora"
  package static let summary = "low-rank update whose ranks grow where they matter (IncreLoRA)"
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 1, range: .atLeast(1), aliases: ["rank", "init_r"],
      "Rank of every module at first."),
    Option(
      "target_r", .integer, default: 2, range: .atLeast(1), "Mean rank of modules in the end."),
    Option(
      "max_r", .integer, default: .described("3 target_r"), range: .atLeast(1),
      "Largest rank of a module, for which there is room from the start."),
    Option(
      "increment", .integer, default: .described("half of target_r"), range: .atLeast(1),
      aliases: ["incre_rank_num"], "Units that a chosen module gets at a time."),
    Option(
      "top_h", .integer, default: 2, range: .atLeast(1), "Modules that are chosen at a time."),
    Option(
      "init_warmup", .integer, default: 100, range: .atLeast(0), "Steps before ranks grow."),
    Option(
      "incre_interval", .integer, default: 20, range: .atLeast(1),
      "Steps from one growth to the next."),
    Option(
      "alpha", .number, default: .described("target_r"), aliases: ["lora_alpha"],
      "The update is scaled by alpha over the rank at hand."),
    Option(
      "dropout", .number, default: 0, range: .within(0..<1), aliases: ["lora_dropout"],
      "Dropout on the adapter's input."),
    Option(
      "beta1", .number, default: 0.85, range: .between(0, 1), "Smoothing of the importance."),
    Option(
      "beta2", .number, default: 0.85, range: .between(0, 1), "Smoothing of its uncertainty."),
    Option(
      "orth_reg_weight", .number, default: 0.1, range: .atLeast(0),
      "Weight of the orthogonality term in the loss."),
  ]
  package static let peftType = "INCRELORA"
  package static let checkpointOnly = ["rank_averages"]
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let room: Int
  private let growth: IncreLoRAGrowth.Settings
  private let orthogonality: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    let target = max(1, options.int("target_r"))
    lowRank = LowRank(
      rank: max(1, options.int("r")), alpha: options.optionalNumber("alpha") ?? Double(target),
      dropout: options.number("dropout"))
    room = options.optionalInt("max_r") ?? 3 * target
    growth = IncreLoRAGrowth.Settings(
      target: target, increment: options.optionalInt("increment") ?? max(1, target / 2),
      modules: options.int("top_h"), warmup: options.int("init_warmup"),
      interval: max(1, options.int("incre_interval")), beta1: options.number("beta1"),
      beta2: options.number("beta2"))
    orthogonality = options.number("orth_reg_weight")
    let first = max(1, options.int("r"))
    if room < first {
      diagnostics.error(
        .rule("max_r \(room) is below r \(first)", mend: "raise max_r"), at: options.location,
        path: options.path)
    }
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    for target in targets {
      try target.requireRank(room, method: Self.name)
      guard target.rank <= room else {
        throw .rankTooLarge(
          module: target.site.path, rank: target.rank, limit: room, method: Self.name)
      }
    }
    let drawn = Initialization.normal(standardDeviation: 0.02)
    return targets.map { target in
      let roles = (0..<room).map { unit -> Float in
        unit < target.rank ? 2 : unit < target.rank + growth.increment ? 1 : 0
      }
      return IncreLoRADelta(
        down: target.parameter("lora_A", [room, target.inputs], drawn),
        values: target.parameter("lora_E", [room, 1], .zeros),
        up: target.parameter("lora_B", [target.rows.count, room], drawn),
        roles: target.buffer("rank_roles", Tensor(roles, shape: [room])),
        averages: target.buffer("rank_averages", Tensor(zeros: [2])),
        witness: Parameter(
          path: target.path(to: "rank_witness"), shape: [target.rows.count, target.inputs],
          initialization: .zeros),
        alpha: target.alpha, orthogonality: orthogonality / Double(2 * targets.count),
        dropout: target.inputDropout)
    }
  }

  /// R (in + rows + 1).
  package func trainableCount(for target: AdapterTarget) -> Int {
    room * (target.inputs + target.rows.count + 1)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy { UpdatePolicy(decays: false) }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    let deltas = adapter.modules.compactMap { $0.change as? IncreLoRADelta }
    return deltas.isEmpty ? [] : [IncreLoRAGrowth(growth, deltas)]
  }
}

/// The units of one target, those that are not there included.
struct IncreLoRADelta: WeightDelta {
  /// What E of a unit in reserve is.
  static let reserveValue = 1e-5

  let down: Parameter
  let values: Parameter
  let up: Parameter
  /// 2, 1 or 0 for a unit that is active, in reserve, or not there, `[R]`.
  let roles: Parameter
  /// Running averages of importance and of its uncertainty, `[2]`.
  let averages: Parameter
  /// Zeros that no optimizer sees, so that their gradient is that of ΔW.
  let witness: Parameter
  let alpha: Double
  /// Weight of each factor's distance from orthogonality.
  let orthogonality: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down, values, up] }
  var buffers: [Parameter] { [roles, averages] }
  var inputDropout: Dropout? { dropout }

  /// How many units have a role.
  func count(_ role: Int) -> Int {
    roles.value.cast(to: .f32).elements(as: Float.self).count { $0 == Float(role) }
  }

  /// 1 for units for which `isWanted` holds by role, `[R]`.
  private func mask(_ isWanted: (Float) -> Bool) -> Tensor {
    let marks = roles.value.cast(to: .f32).elements(as: Float.self).map { isWanted($0) ? 1.0 : 0 }
    return Tensor(marks, shape: roles.shape).cast(to: values.value.dtype)
  }

  /// α/(ρ + 10⁻⁵) E ∘ A, `[R, in]`.
  private var scaled: Tensor {
    let active = values().reshaped(to: [values.shape[0]]) * mask { $0 == 2 }
    let gates = active + mask { $0 == 1 }.scaled(by: Self.reserveValue)
    return down().rowsScaled(by: gates).scaled(by: alpha / (Double(count(2)) + 1e-5))
  }

  /// ΔW, off the tape.
  var matrix: Tensor { matrixProduct(up(), scaled).detached() }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(up(), scaled) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = dropout(x, context)
    guard context.isTraining, count(1) > 0 else {
      let hidden = linear(input, weight: scaled.sliced(axis: 1, 0..<(x.shape.last ?? 0)))
      return linear(hidden, weight: up().sliced(axis: 0, 0..<outputs))
    }
    let change = delta(layer)
    return layer.applied(
      change + witness().cast(to: change.dtype), bias: nil, to: input, outputs: outputs)
  }

  func penalty(_ layer: SiteRows) -> Tensor? {
    guard orthogonality > 0 else { return nil }
    let present = mask { $0 > 0 }
    func distance(_ rows: Tensor) -> Tensor {
      let there = rows.rowsScaled(by: present)
      let identity = Tensor.identity(present.shape[0], rows.dtype).rowsScaled(by: present)
      return (linear(there, weight: there) - identity).frobeniusNorm()
    }
    return (distance(down()) + distance(up().transposed)).scaled(by: orthogonality)
  }
}
