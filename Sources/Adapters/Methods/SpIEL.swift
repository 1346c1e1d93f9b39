package import Layers
package import Recipes
import Tensors

/// Sparse fine-tuning whose places move (SpIEL, arXiv 2401.16405): ΔW is zero but for
/// K = r (out + in) entries, of which the least are dropped and others grown from time to time.
///
/// `spiel_values` `[K]` are the entries, zero at first, `spiel_indices` i32 `[K]` their numbers in row-major
/// order, drawn at first. `SpIELSelection` moves places and steps the values by Adam with an age for every
/// entry; the run's optimizer adds nothing to that, its limit on gradients does not count them and there
/// is no weight decay. While candidates are looked at, the gradient of the whole weight is computed.
/// Averages, ages and candidates lie in checkpoints, not in the adapter's file.
package struct SpIEL: RecordsOptions {
  package static let name = "spiel"
  package static let summary = "trained entries of a weight whose places move (SpIEL)"
  package static let options: OptionTable = [
    .rank(8),
    Option(
      "reselection_steps", .integer, default: 100, range: .atLeast(2),
      "Steps from one choice of places to the next."),
    Option(
      "selection_accumulation_steps", .integer, default: 5, range: .atLeast(1),
      "Steps at the beginning of each such period that candidates are looked at."),
    Option(
      "initial_reselection_rate", .number, default: 0.2, range: .within(0...1),
      "Share of the entries that may be replaced, falling to zero at the last step; the first time it is "
        + "1."),
    Option(
      "betas", .list(.number, count: 2...2), default: [0.9, 0.999],
      "Decay of the averages of gradient and squared gradient."),
    Option("eps", .number, default: 1e-8, range: .above(0), "Added to the root."),
  ]
  package static let peftType = "SPIEL"
  package static let checkpointOnly = [
    "first", "second", "ages", "candidates", "sums", "squares", "samples", "witness",
  ].map { "spiel_" + $0 }
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable, .zeroStart]
  package static let trainingOptions: Set<String> = [
    "reselection_steps", "selection_accumulation_steps", "initial_reselection_rate", "betas", "eps",
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let selection: SpIELSelection.Settings

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    let betas = options.numbers("betas")
    selection = SpIELSelection.Settings(
      interval: max(2, options.int("reselection_steps")),
      window: max(1, options.int("selection_accumulation_steps")),
      share: options.number("initial_reselection_rate"),
      betas: betas.count == 2 ? (betas[0], betas[1]) : (0.9, 0.999),
      epsilon: options.number("eps"))
    func refuse(_ what: String, _ mend: String) {
      diagnostics.error(.rule(what, mend: mend), at: options.location, path: options.path)
    }
    if selection.window >= selection.interval {
      refuse(
        "selection_accumulation_steps \(selection.window) is not below reselection_steps "
          + "\(selection.interval)", "lower it")
    }
    if betas.contains(where: { !(0..<1).contains($0) }) {
      refuse("betas \(betas) must lie in [0, 1)", "Adam's are [0.9, 0.999]")
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, columns) = (target.rows.count, target.inputs)
    let count = trainableCount(for: target)
    try target.requireEntries(count, method: Self.name)
    let seed = Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: "spiel"))
    let places = SparsePositions.random(count: count, rows: rows, columns: columns, seed: seed)
      .sorted().map { Int32($0) }
    func zeros(_ name: String, _ shape: [Int]) -> Parameter {
      target.buffer("spiel_\(name)", Tensor(zeros: shape))
    }
    return SpIELDelta(
      sparse: SparseDelta(
        values: target.parameter("spiel_values", [count], .zeros),
        indices: target.buffer("spiel_indices", Tensor(places, shape: [count]))),
      memory: SpIELMemory(
        first: zeros("first", [count]), second: zeros("second", [count]),
        ages: zeros("ages", [count]),
        candidates: target.buffer(
          "spiel_candidates", Tensor([Int32](repeating: 0, count: count), shape: [count])),
        sums: zeros("sums", [count]), squares: zeros("squares", [count]),
        samples: zeros("samples", [1])),
      witness: Parameter(
        path: target.path(to: "spiel_witness"), shape: [rows, columns], initialization: .zeros))
  }

  /// r (out + in).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.rows.count + target.inputs)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    UpdatePolicy(decays: false, isPlain: true)
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    let deltas = adapter.modules.compactMap { $0.change as? SpIELDelta }
    return deltas.isEmpty ? [] : [SpIELSelection(selection, deltas)]
  }
}
