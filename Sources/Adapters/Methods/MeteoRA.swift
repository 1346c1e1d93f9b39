package import Layers
package import Recipes
import Tensors

/// Saved low-rank adapters behind a trained gate (MeteoRA, arXiv 2405.13053):
/// y = W x + b + Σ_{i ∈ I} p_i s_i B_i A_i x, I the k largest of the logits G x of a token, p their
/// softmax over I at the temperature T.
///
/// The pairs of the folders in `adapters` are frozen, each with its own rank and scaling; they are read
/// once and saved with the adapter, as `meteora_A.i` `[r_i, in]` and `meteora_B.i` `[rows, r_i]` with s_i in
/// B. The gate G is `meteora_gate` `[N, in]`, uniform in ±1/√in at first and the only trained value. On a
/// weight that only some of the adapters changed, N counts these. The first output is that of the
/// adapters under a drawn gate, not the base's. The mixture depends on the token, so that no weight can
/// stand for it.
package struct MeteoRA: RecordsOptions, MixesSavedPairs {
  package static let name = "meteora"
  package static let summary = "saved LoRA adapters behind a trained gate for every token (MeteoRA)"
  package static let options: OptionTable = [
    .savedAdapters,
    Option(
      "k", .integer, default: 2, range: .atLeast(1), aliases: ["top_k"],
      "Adapters that a token goes through, all where there are fewer."),
    Option(
      "temperature", .number, default: 1, range: .above(0), "Divides the logits before the softmax."
    ),
  ]
  package static let peftType = "METEORA"
  package static let capabilities: AdapterCapabilities = [.linear, .rows]
  package static let trainingOptions: Set<String> = ["adapters"]

  package let reader: OptionReader
  package let folders: [String]
  private let active: Int
  private let temperature: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    folders = options.paths("adapters")
    active = max(1, options.int("k"))
    temperature = options.number("temperature")
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    let saved = try StoredPairs.ifNew(targets, folders, method: Self.name)
    var changes: [any SiteChange] = []
    for target in targets {
      let pairs =
        try saved?.pairs(on: target, method: Self.name) ?? StoredPairs.empty(target, "meteora")
      changes.append(
        MeteoRADelta(
          pairs: FrozenPairs(pairs, target, "meteora"),
          gate: target.parameter(
            "meteora_gate", [pairs.count, target.inputs], .fanIn(target.inputs)),
          active: min(active, pairs.count), temperature: temperature))
    }
    return changes
  }

  /// N in, where N is the number of adapters with values on the target.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let saved = try? StoredPairs(folders, method: Self.name).pairs(on: target, method: Self.name)
    return (saved ?? StoredPairs.empty(target, "meteora")).count * target.inputs
  }
}

private struct MeteoRADelta: WeightDelta {
  let pairs: FrozenPairs
  let gate: Parameter
  let active: Int
  let temperature: Double

  var parameters: [Parameter] { [gate] }
  var buffers: [Parameter] { pairs.buffers }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let columns = 0..<(x.shape.last ?? 0)
    let logits = linear(x, weight: gate().sliced(axis: 1, columns))
    let weights = (logits.scaled(by: 1 / temperature) + outside(logits)).softmax()
    return pairs.output(x, weights: weights, outputs: outputs)
  }

  /// 0 for the adapters that a token goes through, the first of equals, and −10⁹ for the others.
  private func outside(_ logits: Tensor) -> Tensor {
    let count = gate.shape[0]
    let values = logits.detached().cast(to: .f64).elements(as: Double.self)
    var shifts = [Float](repeating: -1e9, count: values.count)
    for start in stride(from: 0, to: values.count, by: count) {
      let order = (0..<count).sorted { (values[start + $0], $1) > (values[start + $1], $0) }
      for index in order.prefix(active) { shifts[start + index] = 0 }
    }
    return Tensor(shifts, shape: logits.shape).cast(to: logits.dtype)
  }

  func delta(_ layer: SiteRows) throws(UnmergeableDelta) -> Tensor {
    throw UnmergeableDelta(
      "the gate depends on the token, so that no weight can stand for it. Keep the adapter beside "
        + "the model")
  }
}
