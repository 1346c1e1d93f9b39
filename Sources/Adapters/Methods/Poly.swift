import Foundation
package import Layers
package import Recipes
import Tensors

/// An inventory of low-rank skills mixed for each task (Polytropon, arXiv 2202.13914), by blocks of the
/// dimensions where `n_splits` is above 1 (multi-head routing, MHR, arXiv 2211.03831).
///
/// `poly_lora_A` is `[h, K, in/h, r]`, uniform in ±√(h/in) at first, `poly_lora_B` `[h, K, r, rows/h]`,
/// zero at first, `poly_router.module_logits` `[tasks, h K]`, uniform in ±10⁻³. Block q of the input
/// goes through Σ_k α_{q,k} A_{q,k}, block q of the output comes from Σ_k α_{q,k} B_{q,k}, and the sum
/// over blocks is divided by r. α are the sigmoids of the logits of the run's `task`, over their sum
/// for each q; in training relaxed Bernoulli variables of temperature 1 in their place. These are drawn
/// once for a layer and step, where PEFT 0.21.2 (`POLY`), whose shapes these are, draws them for every
/// sample. A run has one task, so that the mixture can be merged. `trains: routing` leaves the skills
/// as a file (`from`) gave them and trains the logits alone (MHR-z).
package struct Poly: RecordsOptions {
  /// What is trained.
  enum Part: String, CaseIterable { case all, routing }

  package static let name = "poly"
  package static let summary = "low-rank skills mixed for each task (Polytropon, MHR)"
  package static let options: OptionTable = [
    .rank(8),
    Option("n_skills", .integer, default: 4, range: .atLeast(1), "Skills K."),
    Option(
      "n_splits", .integer, default: 1, range: .atLeast(1),
      "Blocks h of inputs and outputs with a routing of their own; above 1 this is MHR."),
    Option("n_tasks", .integer, default: 1, range: .atLeast(1), "Tasks that share the skills."),
    Option(
      "task", .integer, default: 0, range: .atLeast(0), "The run's task, counted from 0."),
    Option(
      "trains", .choice(Part.self), default: "all",
      "all: skills and routing; routing: the routing of this task alone."),
    Option(
      "router_lr_ratio", .number, default: 10, range: .above(0),
      "Learning rate of the routing over that of the skills."),
  ]
  package static let peftType = "POLYTROPON"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable, .zeroStart]
  package static let trainingOptions: Set<String> = ["task", "trains", "router_lr_ratio"]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let skills: Int
  private let splits: Int
  private let tasks: Int
  private let task: Int
  private let part: Part
  private let rateRatio: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(rank: max(1, options.int("r")), alpha: 1)
    skills = max(1, options.int("n_skills"))
    splits = max(1, options.int("n_splits"))
    tasks = max(1, options.int("n_tasks"))
    task = options.int("task")
    part = options.choice("trains", as: Part.self)
    rateRatio = options.number("router_lr_ratio")
    if task >= tasks {
      diagnostics.error(
        .rule("task \(task) is not among n_tasks \(tasks)", mend: "tasks are counted from 0"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, inputs, rows) = (target.rank, target.inputs, target.rows.count)
    guard inputs % splits == 0, rows % splits == 0 else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "n_splits \(splits) does not divide \(inputs) inputs and \(rows) outputs. Choose a "
          + "common divisor")
    }
    func skill(_ name: String, _ shape: [Int], _ start: Initialization) -> Parameter {
      Parameter(
        path: target.path(to: name), shape: shape, initialization: start,
        isBuffer: part == .routing)
    }
    return PolyDelta(
      down: skill(
        "poly_lora_A", [splits, skills, inputs / splits, rank], .fanIn(inputs / splits)),
      up: skill("poly_lora_B", [splits, skills, rank, rows / splits], .zeros),
      logits: target.parameter(
        "poly_router.module_logits", [tasks, splits * skills], .uniform(bound: 1e-3)),
      task: task, scaling: target.scaling)
  }

  /// tasks h K, and K r (in + rows) with the skills.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let routing = tasks * splits * skills
    guard part == .all else { return routing }
    return routing + skills * target.rank * (target.inputs + target.rows.count)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    let isRouting = parameter.path.hasSuffix(".module_logits")
    return UpdatePolicy(rateFactor: isRouting ? rateRatio : 1, decays: !isRouting)
  }
}

private struct PolyDelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let logits: Parameter
  let task: Int
  let scaling: Double

  var parameters: [Parameter] { [down, up, logits].filter { !$0.isBuffer } }
  var buffers: [Parameter] { [down, up, logits].filter(\.isBuffer) }

  private var splits: Int { down.shape[0] }
  private var skills: Int { down.shape[1] }

  /// α, `[h, 1, K]`, drawn where `noise` has numbers in [0, 1) for all of them.
  private func mixture(_ noise: Tensor?) -> Tensor {
    var row = logits().sliced(axis: 0, task..<(task + 1)).reshaped(to: [splits, skills])
    if let noise {
      let least = 1e-7
      let shifts = noise.elements(as: Float.self).map { number -> Double in
        let u = min(max(Double(number), least), 1 - least)
        return log(u / (1 - u))
      }
      row = row + Tensor(shifts, shape: row.shape).cast(to: row.dtype)
    }
    let open = row.sigmoid()
    let sums = open.summed(over: [1]).reshaped(to: [splits, 1])
    let shares = (sums + Tensor(filledWith: 1e-12, shape: sums.shape, dtype: sums.dtype))
      .reciprocal()
    return (open * shares.expanded(to: open.shape)).reshaped(to: [splits, 1, skills])
  }

  /// The mixed A transposed, `[r, in]`, and B transposed, `[rows, r]`.
  private func mixed(_ noise: Tensor?) -> (down: Tensor, up: Tensor) {
    let (weights, rank) = (mixture(noise), down.shape[3])
    func mixed(_ skill: Parameter) -> Tensor {
      batchedProduct(weights, skill().reshaped(to: [splits, skills, -1]))
    }
    let a = mixed(down).reshaped(to: [-1, rank]).transposed
    let b = mixed(up).reshaped(to: [splits, rank, -1]).permuted([0, 2, 1])
    return (a, b.reshaped(to: [-1, rank]))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let noise =
      context.isTraining
      ? context.uniform(logits.path, batch: 1, count: splits * skills, isShared: true) : nil
    let pair = mixed(noise)
    let hidden = linear(x, weight: pair.down.sliced(axis: 1, 0..<(x.shape.last ?? 0)))
    return linear(hidden.scaled(by: scaling), weight: pair.up.sliced(axis: 0, 0..<outputs))
  }

  func delta(_ layer: SiteRows) -> Tensor {
    let pair = mixed(nil)
    return matrixProduct(pair.up, pair.down).scaled(by: scaling)
  }
}
