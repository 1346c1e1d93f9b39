package import Formats
package import Layers
package import Recipes
import Tensors

/// LoRA behind a gate and beside a residual, the adapter of LoLA-SpecViT (arXiv 2506.17759, by its
/// code): y = W x + b + σ(G x) ∘ (α/r) U D x + R x.
///
/// D is `[r, in]`, U `[out, r]`; G and R have the size of the weight itself, so that this method
/// trains more values than it leaves frozen. Without `gate_residual` G and R are absent and the change
/// is LoRA's. There is no dropout: the reference stores a rate and never applies it.
///
/// The reference draws all four matrices, so that its fresh model is not its base; `start: identity`,
/// the default, sets U and R to zero instead, since on pretrained weights nothing else makes sense.
/// The gated change depends on the input and cannot be merged; of it only R can, which the
/// reference's own merge leaves in its place as well and so counts twice.
package struct GatedLoRA: AdapterMethod {
  /// What the layer gives before the first step.
  package enum Start: String, Sendable, CaseIterable {
    /// The output of the base.
    case identity
    /// All matrices normal with deviation 0.02, as the reference leaves them.
    case reference
  }

  package static let name = "gated-lora"
  package static let summary =
    "LoRA under a learned gate, with a full-rank residual (LoLA-SpecViT)"
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 16, range: .atLeast(1), aliases: ["rank", "lora_r", "lora_rank"],
      "Rank of the gated update."),
    Option(
      "alpha", .number, default: 32, aliases: ["lora_alpha"],
      "The gated update is scaled by alpha / r."),
    Option(
      "gate_residual", .boolean, default: true,
      "Whether the gate and the residual, both of the weight's size, are there; false is LoRA."),
    Option(
      "start", .choice(Start.self), default: "identity",
      "identity: no effect before the first step; reference: all matrices normal, deviation 0.02."),
  ]
  package static let peftType = "GATED_LORA"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .zeroStart]

  package let lowRank: LowRank?
  private let hasGate: Bool
  private let start: Start

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    self.init(
      rank: max(1, options.int("r")), alpha: options.number("alpha"),
      hasGate: options.bool("gate_residual"), start: options.choice("start", as: Start.self))
  }

  package init(
    rank: Int, alpha: Double, hasGate: Bool = true, start: Start = .identity
  ) {
    lowRank = LowRank(rank: rank, alpha: alpha)
    self.hasGate = hasGate
    self.start = start
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    GatedLoRADelta(target, hasGate: hasGate, start: start)
  }

  /// r (in + rows), and with gate and residual 2 · in · rows more.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let (inputs, rows) = (target.site.inputs, target.rows.count)
    return target.rank * (inputs + rows) + (hasGate ? 2 * inputs * rows : 0)
  }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var configuration = JSONObject()
    configuration["r"] = .integer(lowRank?.rank ?? 0)
    configuration["lora_alpha"] = .number(lowRank?.alpha ?? 0)
    configuration["gate_residual"] = .bool(hasGate)
    return configuration
  }
}

/// The matrices of one target.
private struct GatedLoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  /// Of the weight's size.
  let gated: (gate: Parameter, residual: Parameter)?
  let scaling: Double

  var parameters: [Parameter] { [down, up] + (gated.map { [$0.gate, $0.residual] } ?? []) }

  init(_ target: AdapterTarget, hasGate: Bool, start: GatedLoRA.Start) {
    let (inputs, rows) = (target.site.inputs, target.rows.count)
    let drawn = Initialization.normal(standardDeviation: 0.02)
    let additive = start == .identity ? Initialization.zeros : drawn
    func matrix(_ name: String, _ shape: [Int], _ initialization: Initialization) -> Parameter {
      target.parameter(name + ".weight", shape, initialization)
    }
    down = matrix("lora_down", [target.rank, inputs], drawn)
    up = matrix("lora_up", [rows, target.rank], additive)
    gated =
      hasGate
      ? (
        matrix("lora_gate", [rows, inputs], drawn),
        matrix("lora_residual", [rows, inputs], additive)
      ) : nil
    scaling = target.scaling
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let width = x.shape.last ?? 0
    let hidden = linear(x, weight: down().sliced(axis: 1, 0..<width)).scaled(by: scaling)
    let low = linear(hidden, weight: up().sliced(axis: 0, 0..<outputs))
    guard let gated else { return low }
    func product(_ matrix: Parameter) -> Tensor {
      linear(x, weight: matrix().sliced(axis: 0, 0..<outputs).sliced(axis: 1, 0..<width))
    }
    return product(gated.gate).sigmoid() * low + product(gated.residual)
  }

  func delta(_ layer: SiteRows) throws(UnmergeableDelta) -> Tensor {
    guard gated == nil else {
      throw UnmergeableDelta(
        "the gate depends on the input, so that no weight can stand for it. Keep the adapter beside "
          + "the model, or train with gate_residual: false")
    }
    return matrixProduct(up(), down()).scaled(by: scaling)
  }

  func takeLinearPart() -> Tensor? {
    guard let residual = gated?.residual else { return nil }
    let part = residual.value
    residual.value = Tensor(zeros: residual.shape, dtype: part.dtype)
    return part
  }
}
