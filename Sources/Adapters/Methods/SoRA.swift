package import Layers
package import Recipes
import Tensors

/// Sparse low-rank adaptation (SoRA, arXiv 2311.11696, equations 5 to 8): ΔW = s B diag(g) A, s = α/r,
/// whose gates g `[r]` lose ranks while training.
///
/// g (`lora_diag`) is normal at first, B zero. λ times the mean of |g| over all gates is added to the loss,
/// and after every step g ← sign(g) max(|g| − τ, 0) with the threshold τ, which is not multiplied by the
/// learning rate (as in the authors' program; the paper's formula has the rate in it). Gates at zero
/// receive gradients and may come back. There is no weight decay on gates.
package struct SoRA: RecordsOptions {
  package static let name = "sora"
  package static let summary = "LoRA with gates that lose ranks while training (SoRA)"
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "sparse_lambda", .number, default: 10, range: .atLeast(0),
      "Weight of the gates' mean magnitude in the loss."),
    Option(
      "threshold", .number, default: 3e-4, range: .atLeast(0), aliases: ["sparse_lambda_2"],
      "What a step takes off the magnitude of each gate."),
  ])
  package static let peftType = "SORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .rows, .mergeable, .zeroStart,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let weight: Double
  private let threshold: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    weight = options.number("sparse_lambda")
    threshold = options.number("threshold")
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    let gates = targets.reduce(0) { $0 + $1.rank }
    return targets.map {
      GatedPair(
        pair: LoRADelta($0, hasDiagonal: true), weight: weight / Double(max(1, gates)))
    }
  }

  /// r (in · kernel + out + 1).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count + 1)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    UpdatePolicy(decays: !parameter.path.hasSuffix(".lora_diag"))
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    let gates = adapter.modules.compactMap { ($0.change as? GatedPair)?.pair.diagonal }
    return gates.isEmpty || threshold == 0
      ? [] : [GateShrinkage(gates: gates, threshold: threshold)]
  }
}

/// A pair with gates between its factors, and their part of the loss.
private struct GatedPair: WeightDelta {
  let pair: LoRADelta
  /// λ over the number of all gates.
  let weight: Double

  var parameters: [Parameter] { pair.parameters }
  var inputDropout: Dropout? { pair.inputDropout }

  func delta(_ layer: SiteRows) -> Tensor { pair.delta(layer) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor { pair.output(x, of: layer, outputs: outputs, context: context) }

  func penalty(_ layer: SiteRows) -> Tensor? {
    guard weight > 0, let gates = pair.diagonal?() else { return nil }
    return (gates.relu() + gates.scaled(by: -1).relu()).sum().scaled(by: weight)
  }
}

/// The proximal step of the L1 norm after every update.
private struct GateShrinkage: TrainingHook {
  let gates: [Parameter]
  let threshold: Double

  func end(step: Int, of total: Int) {
    for gate in gates {
      let below = Tensor(filledWith: -threshold, shape: gate.shape)
      let value = gate.value
      gate.value = (value + below).relu() - (value.scaled(by: -1) + below).relu()
    }
  }
}
