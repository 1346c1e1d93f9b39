package import Layers
package import Recipes
import Tensors

/// Saved low-rank adapters whose strengths a gate sets for every sample (gated fusion of AutoLoRA; from the
/// abstract, so that the gate is a decision of this project): y = W x + b + Σ_i g_i s_i B_i A_i x with
/// g = σ(G x̄ + c), x̄ the mean of the sample's tokens in front of the layer.
///
/// The pairs of the folders in `adapters` are frozen, as in `meteora`: `autolora_A.i` `[r_i, in]` and
/// `autolora_B.i` `[rows, r_i]` with s_i in B. G is `autolora_gate.weight` `[N, in]`, zero at first, c
/// `autolora_gate.bias` `[N]` at `start`: the first output is that of a sum of the adapters with equal strengths.
/// Unlike a softmax, gates are independent, so that several adapters may count in full, or none. Samples lie
/// along the first axis of the input. The retrieval of adapters by what data look like is left out: the
/// recipe names them.
package struct AutoLoRA: RecordsOptions, MixesSavedPairs {
  package static let name = "autolora"
  package static let summary = "saved LoRA adapters with a trained strength for every sample"
  package static let isExperimental = true
  package static let options: OptionTable = [
    .savedAdapters,
    Option(
      "start", .number, default: 0, "First value of c: 0 is half the strength of every adapter."),
  ]
  package static let peftType = "AUTOLORA"
  package static let capabilities: AdapterCapabilities = [.linear, .rows]
  package static let trainingOptions: Set<String> = ["adapters", "start"]

  package let reader: OptionReader
  package let folders: [String]
  private let start: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    folders = options.paths("adapters")
    start = options.number("start")
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    let saved = try StoredPairs.ifNew(targets, folders, method: Self.name)
    var changes: [any SiteChange] = []
    for target in targets {
      let pairs =
        try saved?.pairs(on: target, method: Self.name)
        ?? StoredPairs.empty(target, "autolora")
      changes.append(
        AutoLoRADelta(
          pairs: FrozenPairs(pairs, target, "autolora"),
          weight: target.parameter("autolora_gate.weight", [pairs.count, target.inputs], .zeros),
          bias: target.parameter("autolora_gate.bias", [pairs.count], .constant(start))))
    }
    return changes
  }

  /// N (in + 1), where N is the number of adapters with values on the target.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let saved = try? StoredPairs(folders, method: Self.name).pairs(on: target, method: Self.name)
    return (saved ?? StoredPairs.empty(target, "autolora")).count * (target.inputs + 1)
  }
}

private struct AutoLoRADelta: WeightDelta {
  let pairs: FrozenPairs
  let weight: Parameter
  let bias: Parameter

  var parameters: [Parameter] { [weight, bias] }
  var buffers: [Parameter] { pairs.buffers }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let width = x.shape.last ?? 0
    let tokens = x.reshaped(to: [x.shape[0], -1, width])
    let mean = tokens.averaged(over: [1]).reshaped(to: [x.shape[0], width])
    let gates = linear(mean, weight: weight().sliced(axis: 1, 0..<width), bias: bias()).sigmoid()
    let count = gates.shape[1]
    let spread = gates.reshaped(to: [x.shape[0], 1, count])
      .expanded(to: [x.shape[0], tokens.shape[1], count])
      .reshaped(to: x.shape.dropLast() + [count])
    return pairs.output(x, weights: spread, outputs: outputs)
  }

  func delta(_ layer: SiteRows) throws(UnmergeableDelta) -> Tensor {
    throw UnmergeableDelta(
      "the strengths depend on the sample, so that no weight can stand for them. Keep the adapter "
        + "beside the model")
  }
}
