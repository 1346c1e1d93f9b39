package import Formats
package import Layers
package import Recipes
import Tensors

/// Weight-aware neural tweakers (PEANuT, arXiv 2410.01870, equation 4; as in PEFT 0.21.2, `PEANUT`): ΔW is
/// a small network of the weight itself.
///
/// H₀ = f(Wᵀ Aᵀ) `[in, r]`; `depth` encoders H ← f(H Eᵀ), then as many decoders H ← f(H Dᵀ) plus what
/// entered the encoder of the same level; ΔW = scaling · B Hᵀ. `peanut_A.weight` is `[r, out]`, E and D
/// `[r, r]`, all uniform in ±1/√(second axis) at first, `peanut_B.weight` `[out, r]`, zero at first.
package struct PEANuT: PEFTMethod {
  /// Activations by the names that transformers gives them.
  package enum Activation: String, Sendable, CaseIterable {
    case relu, gelu, silu, sigmoid, tanh, linear

    func callAsFunction(_ x: Tensor) -> Tensor {
      switch self {
      case .relu: x.relu()
      case .gelu: x.gelu()
      case .silu: x.silu()
      case .sigmoid: x.sigmoid()
      case .tanh: x.hyperbolicTangent()
      case .linear: x
      }
    }
  }

  package static let name = "peanut"
  package static let summary = "update by a small network of the weight itself (PEANuT)"
  package static let options: OptionTable = [
    .rank(32),
    Option("depth", .integer, default: 0, range: .atLeast(0), "Encoders, and decoders."),
    Option(
      "act_fn", .choice(Activation.self), default: "relu", "Activation behind every layer."),
    Option("scaling", .number, default: 1, "Factor on the update."),
  ]
  package static let peftType = "PEANUT"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows, .readsBase]
  package static let absentFields: Set<String> = ["bias"]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let depth: Int
  private let activation: Activation
  private let scaling: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    depth = options.int("depth")
    activation = options.choice("act_fn", as: Activation.self)
    scaling = options.number("scaling")
    fields = PEFTFields.object(options, PEFTFields.layers, ["init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, rows) = (target.rank, target.rows.count)
    func layers(_ name: String) -> [Parameter] {
      (0..<depth).map { target.parameter("\(name).\($0).weight", [rank, rank], .fanIn(rank)) }
    }
    return PEANuTMap(
      down: target.parameter("peanut_A.weight", [rank, rows], .fanIn(rows)),
      encoders: layers("peanut_encoders"), decoders: layers("peanut_decoders"),
      up: target.parameter("peanut_B.weight", [rows, rank], .zeros), activation: activation,
      scaling: scaling)
  }

  /// 2 r out + 2 depth r².
  package func trainableCount(for target: AdapterTarget) -> Int {
    2 * target.rank * (target.rows.count + depth * target.rank)
  }
}

private struct PEANuTMap: WeightMap {
  let down: Parameter
  let encoders: [Parameter]
  let decoders: [Parameter]
  let up: Parameter
  let activation: PEANuT.Activation
  let scaling: Double

  var parameters: [Parameter] { [down] + encoders + decoders + [up] }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    base + matrixProduct(up(), hidden(base).transposed).scaled(by: scaling)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let inner = linear(x, weight: hidden(layer.weight).transposed).scaled(by: scaling)
    return layer.plain(x, context) + linear(inner, weight: up())
  }

  /// H `[in, r]`.
  private func hidden(_ weight: Tensor) -> Tensor {
    var h = activation(linear(weight.transposed, weight: down()))
    var entered: [Tensor] = []
    for encoder in encoders {
      entered.append(h)
      h = activation(linear(h, weight: encoder()))
    }
    for (decoder, before) in zip(decoders, entered.reversed()) {
      h = activation(linear(h, weight: decoder())) + before
    }
    return h
  }
}
