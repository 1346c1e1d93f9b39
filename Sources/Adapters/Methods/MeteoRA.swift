package import Layers
package import Recipes
import Tensors

/// Saved low-rank adapters behind a trained gate (MeteoRA, arXiv 2405.13053, section 3.2):
/// y = W x + b + Σ_{i ∈ I} p_i s_i B_i A_i x, I the k largest of the logits G x of a token, p their
/// softmax over I at the temperature T.
///
/// The pairs of the folders in `adapters` are frozen, each with its own rank and scaling; they are read
/// once and saved with the adapter, as `meteora_A.i` `[r_i, in]` and `meteora_B.i` `[rows, r_i]` with s_i in
/// B. The gate G is `meteora_gate` `[N, in]`, uniform in ±1/√in at first and the only trained value. On a
/// weight that only some of the adapters changed, N counts these. The first output is that of the
/// adapters under a drawn gate, not the base's. The mixture depends on the token, so that no weight can
/// stand for it.
package struct MeteoRA: RecordsOptions {
  package static let name = "meteora"
  package static let summary = "saved LoRA adapters behind a trained gate for every token (MeteoRA)"
  package static let options: OptionTable = [
    Option(
      "adapters", .list(.path, count: 1...1024), default: .required,
      "Folders of saved lora adapters of this base, or of runs that trained such."),
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
  private let folders: [String]
  private let active: Int
  private let temperature: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    folders = options.list("adapters").compactMap { item in
      guard case .path(let path) = item.value else { return nil }
      return path
    }
    active = max(1, options.int("k"))
    temperature = options.number("temperature")
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    let isNew = targets.contains { $0.stored.isEmpty }
    let saved = isNew ? try StoredPairs(folders, method: Self.name) : nil
    var changes: [any SiteChange] = []
    for target in targets {
      let pairs = try saved?.pairs(on: target, method: Self.name) ?? Self.emptyPairs(target)
      changes.append(
        MeteoRADelta(
          downs: pairs.enumerated().map { target.buffer("meteora_A.\($0)", $1.down) },
          ups: pairs.enumerated().map { target.buffer("meteora_B.\($0)", $1.up) },
          gate: target.parameter(
            "meteora_gate", [pairs.count, target.inputs], .fanIn(target.inputs)),
          units: RoutedUnits(ranks: pairs.map { $0.down.shape[0] }),
          active: min(active, pairs.count), temperature: temperature))
    }
    return changes
  }

  /// Pairs of the shapes that a file has.
  private static func emptyPairs(_ target: AdapterTarget) -> [StoredPairs.Pair] {
    var pairs: [StoredPairs.Pair] = []
    while let shape = target.stored["meteora_A.\(pairs.count)"], shape.count == 2 {
      pairs.append(
        StoredPairs.Pair(
          down: Tensor(zeros: [shape[0], target.inputs]),
          up: Tensor(zeros: [target.rows.count, shape[0]])))
    }
    return pairs
  }

  /// N in, where N is the number of adapters with values on the target.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let saved = try? StoredPairs(folders, method: Self.name).pairs(on: target, method: Self.name)
    return (saved?.count ?? Self.emptyPairs(target).count) * target.inputs
  }
}

private struct MeteoRADelta: WeightDelta {
  let downs: [Parameter]
  let ups: [Parameter]
  let gate: Parameter
  let units: RoutedUnits
  let active: Int
  let temperature: Double

  var parameters: [Parameter] { [gate] }
  var buffers: [Parameter] { downs + ups }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let columns = 0..<(x.shape.last ?? 0)
    let logits = linear(x, weight: gate().sliced(axis: 1, columns))
    let weights = (logits.scaled(by: 1 / temperature) + outside(logits)).softmax()
    let down = Tensor.concatenated(downs.map(\.value), axis: 0).sliced(axis: 1, columns)
    let up = Tensor.concatenated(ups.map(\.value), axis: 1).sliced(axis: 0, 0..<outputs)
    return linear(units(linear(x, weight: down), weights: weights), weight: up)
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
