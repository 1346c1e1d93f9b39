package import Formats
package import Layers
package import Recipes
package import Tensors

/// TinyLoRA (arXiv 2602.04118; as in PEFT 0.21.2, `TINYLORA`): ΔW = B (Σᵢ vᵢ Pᵢ) A with one short vector
/// trained for a group of modules.
///
/// A = √S V `[r, in]` and B = U √S `[out, r]` are frozen and come from the largest singular terms of W; P
/// `[u, r, r]` is frozen and normal with deviation 1/√r, by PyTorch's generator from `projection_seed` plus
/// the module's number, so that files without it can be read. `tinylora_v.g` `[u]` is shared by group g:
/// with n modules there are max(1, round(n (1 − weight_tying))) groups of consecutive modules.
package struct TinyLoRA: PEFTMethod {
  package static let name = "tinylora"
  package static let summary = "few shared coefficients on the principal subspace (TinyLoRA)"
  package static let options: OptionTable = [
    .rank(2),
    Option("u", .integer, default: 64, range: .atLeast(1), "Values trained for a group."),
    Option(
      "weight_tying", .number, default: 0, range: .within(0...1),
      "0: every module has a vector of its own; 1: all share one."),
    Option(
      "projection_seed", .integer, default: 42, range: .atLeast(0),
      "Seed of the frozen projections."),
    Option(
      "init_v_bound", .number, default: 0.02, range: .atLeast(0),
      "Bound of the first coefficients."),
    .dropout("tinylora_dropout"),
  ]
  package static let peftType = "TINYLORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .mergeable, .portable, .readsBase, .ordered,
  ]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "tinylora_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let count: Int
  private let tying: Double
  private let seed: Int
  private let bound: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    count = options.int("u")
    tying = options.number("weight_tying")
    seed = options.int("projection_seed")
    bound = options.number("init_v_bound")
    fields = PEFTFields.object(
      options, renamed: ["dropout": "tinylora_dropout"], PEFTFields.layers,
      ["fan_in_fan_out": false, "init_weights": true, "save_projection": true])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    try requireOneRank(targets)
    let size = max(1, targets.count / groups(targets.count))
    var changes: [any SiteChange] = []
    for (index, target) in targets.enumerated() {
      let rank = min(target.rank, target.rows.count, target.inputs)
      let group = min(index / size, groups(targets.count) - 1)
      let terms = target.singularValues()
      let roots = terms.values.sliced(axis: 0, 0..<rank).squareRoot()
      var generator = TorchGenerator(seed: seed + index)
      let drawn = Tensor(generator.normal(count * rank * rank), shape: [count, rank, rank])
        .scaled(by: 1 / Double(rank).squareRoot())
      changes.append(
        TinyLoRADelta(
          coefficients: shared.value("tinylora_v.\(group)", [count], .uniform(bound: bound)),
          down: target.buffer(
            "tinylora_A", terms.right.sliced(axis: 0, 0..<rank).rowsScaled(by: roots)),
          up: target.buffer("tinylora_B", terms.left.sliced(axis: 1, 0..<rank) * roots),
          projections: target.buffer("tinylora_P", drawn), dropout: target.inputDropout))
    }
    return changes
  }

  package func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int {
    count * groups(targets.count)
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for (target, change) in module.modules {
      for buffer in change.buffers {
        // A file of PEFT without projections leaves the ones that were drawn.
        let name = String(buffer.path.dropFirst(target.path(to: "").count))
        if name == "tinylora_P", !target.stored.isEmpty, target.stored[name] == nil { continue }
        values[buffer.path] = try value(buffer.path)
      }
    }
    return values
  }

  private func groups(_ modules: Int) -> Int {
    max(1, Int((Double(modules) * (1 - tying)).rounded(.toNearestOrEven)))
  }
}

private struct TinyLoRADelta: WeightDelta {
  let coefficients: Parameter
  let down: Parameter
  let up: Parameter
  let projections: Parameter
  let dropout: Dropout

  var parameters: [Parameter] { [coefficients] }
  var buffers: [Parameter] { [down, up, projections] }
  var inputDropout: Dropout? { dropout }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(up.value, matrixProduct(core, down.value))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = down.value.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let hidden = linear(linear(dropout(x, context), weight: a), weight: core)
    return linear(hidden, weight: up.value.sliced(axis: 0, 0..<outputs))
  }

  /// Σ vᵢ Pᵢ.
  private var core: Tensor {
    let (count, rank) = (projections.shape[0], projections.shape[1])
    let flat = projections.value.reshaped(to: [count, rank * rank])
    return matrixProduct(coefficients().reshaped(to: [1, count]), flat)
      .reshaped(to: [rank, rank])
  }
}
