package import Formats
package import Layers
package import Recipes
import Tensors

/// Generalized LoRA (arXiv 2306.07967, equation 10; as in PEFT 0.21.2, `GLORA`):
/// W' = W + W ∘ A + B, b' = b + b ∘ D + E + W C.
///
/// A and B are each low-rank (`Xd` `[out, r]` times `Xu` `[r, in]`), a vector `[out, 1]`, a constant
/// `[1]`, or absent; C is low-rank (`[in, r]` times `[r, 1]`), a vector `[in, 1]`, or absent; D and E are
/// vectors `[out]`, constants `[1]`, or absent. `Xu` is uniform in ±1/√(second axis) at first, all else
/// zero. Without a bias there are no C, D, E.
package struct GLoRA: PEFTMethod {
  /// What a support is made of.
  package enum Support: String, Sendable { case lora, vector, constant, none }

  package static let name = "glora"
  package static let summary = "scaling and shift of weight and bias with low-rank supports (GLoRA)"
  package static let options: OptionTable = [
    .rank(8),
    Option(
      "config_a_b", .oneOf(["lora", "vector", "constant", "none"]), default: "lora",
      aliases: ["config_A_B"], "Supports of the weight."),
    Option(
      "config_c", .oneOf(["lora", "vector", "none"]), default: "lora", aliases: ["config_C"],
      "Support that the weight turns into a shift of the bias."),
    Option(
      "config_d_e", .oneOf(["vector", "constant", "none"]), default: "constant",
      aliases: ["config_D_E"], "Supports of the bias."),
  ]
  package static let peftType = "GLORA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "glora_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let weights: Support
  private let inputs: Support
  private let biases: Support

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    func support(_ name: String) -> Support { Support(rawValue: options.text(name)) ?? .none }
    weights = support("config_a_b")
    inputs = support("config_c")
    biases = support("config_d_e")
    fields = PEFTFields.object(
      options,
      renamed: [
        "config_a_b": "config_A_B", "config_c": "config_C", "config_d_e": "config_D_E",
      ], ["init_weights": true])
    if weights == .none, inputs == .none, biases == .none {
      diagnostics.error(
        .rule("no support is trained", mend: "set one of config_a_b, config_c, config_d_e"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, columns) = (target.rows.count, target.inputs)
    let hasBias = target.site.bias != nil
    func part(_ name: String, _ support: Support, _ shape: [Int]) -> [Parameter] {
      let path = "glora_\(name)."
      switch support {
      case .lora:
        return [
          target.parameter(path + "Xd", [shape[0], target.rank], .zeros),
          target.parameter(path + "Xu", [target.rank, shape[1]], .fanIn(shape[1])),
        ]
      case .vector:
        return [target.parameter(path + "X", shape.count == 1 ? shape : [shape[0], 1], .zeros)]
      case .constant: return [target.parameter(path + "X", [1], .zeros)]
      case .none: return []
      }
    }
    return GLoRAMap(
      a: part("A", weights, [rows, columns]), b: part("B", weights, [rows, columns]),
      c: hasBias ? part("C", inputs, [columns, 1]) : [],
      d: hasBias ? part("D", biases, [rows]) : [], e: hasBias ? part("E", biases, [rows]) : [])
  }

  package func trainableCount(for target: AdapterTarget) -> Int {
    let (rows, columns) = (target.rows.count, target.inputs)
    func count(_ support: Support, _ rows: Int, _ columns: Int) -> Int {
      switch support {
      case .lora: target.rank * (rows + columns)
      case .vector: rows
      case .constant: 1
      case .none: 0
      }
    }
    return 2 * count(weights, rows, columns)
      + (target.site.bias == nil ? 0 : count(inputs, columns, 1) + 2 * count(biases, rows, 1))
  }

  /// PEFT writes zeros for absent supports.
  package func ignores(_ key: String) -> Bool { key.hasSuffix(".zeros") }
}

private struct GLoRAMap: WeightMap {
  let a: [Parameter]
  let b: [Parameter]
  let c: [Parameter]
  let d: [Parameter]
  let e: [Parameter]

  var parameters: [Parameter] { a + b + c + d + e }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    var result = base
    if let factor = whole(a, base.shape) { result = result + base * factor }
    if let summand = whole(b, base.shape) { result = result + summand }
    return result
  }

  func bias(_ bias: Tensor?, _ base: Tensor, _ layer: SiteRows) -> Tensor? {
    guard let bias else { return nil }
    var result = bias
    if let factor = whole(d, bias.shape) { result = result + bias * factor }
    if let summand = whole(e, bias.shape) { result = result + summand }
    if let column = whole(c, [base.shape[1], 1]) {
      result = result + matrixProduct(base, column).reshaped(to: bias.shape)
    }
    return result
  }

  /// A support in full size; nil where it is absent.
  private func whole(_ values: [Parameter], _ shape: [Int]) -> Tensor? {
    switch values.count {
    case 2: matrixProduct(values[0](), values[1]())
    case 1 where values[0].shape == [1]:
      values[0]().reshaped(to: shape.map { _ in 1 }).expanded(to: shape)
    case 1: values[0]().expanded(to: shape)
    default: nil
    }
  }
}
