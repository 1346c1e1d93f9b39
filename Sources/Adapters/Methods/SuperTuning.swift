package import Formats
package import Layers
package import Recipes
import Tensors

/// Tuning of the largest (or smallest) entries of a weight, alone or beside LoRA (Super-Tuning; as in PEFT
/// 0.21.2, `SUPERTUNING`).
///
/// `supertuning_values` holds out · in (1 − sparsity) changes of entries, zero at first,
/// `supertuning_indices` i32 their numbers in row-major order, those of largest magnitude with
/// `select_top`. With `r` a pair `supertuning_lora_A.weight` `[r, in]`, `supertuning_lora_B.weight`
/// `[out, r]` is added under α/r.
package struct SuperTuning: PEFTMethod {
  package static let name = "supertuning"
  package static let summary = "trained changes of a weight's largest entries (Super-Tuning)"
  package static let options: OptionTable = [
    Option(
      "sparsity", .number, default: 0.99, range: .within(0..<1), "Part of the entries left alone."),
    Option(
      "select_top", .boolean, default: true,
      "Whether the largest entries are changed; false takes the smallest."),
    Option(
      "r", .integer, default: .absent, range: .atLeast(1), aliases: ["rank"],
      "Rank of a LoRA pair beside it."),
    Option(
      "alpha", .number, default: .described("r"), aliases: ["lora_alpha"],
      "The pair is scaled by alpha / r."),
    .dropout("lora_dropout"),
  ]
  package static let peftType = "SUPERTUNING"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["bias", "exclude_modules"]

  package let fields: JSONObject
  private let density: Double
  private let takesLargest: Bool
  private let rank: Int?
  private let scaling: Double
  private let dropout: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    density = 1 - options.number("sparsity")
    takesLargest = options.bool("select_top")
    rank = options.optionalInt("r")
    scaling = (options.optionalNumber("alpha") ?? Double(rank ?? 1)) / Double(rank ?? 1)
    dropout = options.number("dropout")
    var fields = PEFTFields.object(
      options, renamed: ["alpha": "lora_alpha", "dropout": "lora_dropout"],
      ["init_weights": true, "save_precomputed_indices": true])
    if let rank, fields["lora_alpha"]?.isNull != false { fields["lora_alpha"] = .integer(rank) }
    self.fields = fields
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let count = entries(of: target)
    guard count > 0 else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "sparsity leaves no entry of \(target.rows.count * target.inputs). Lower it")
    }
    let sizes = target.layer.weight.detached().elements(as: Float.self).map { abs($0) }
    let order = sizes.indices.sorted {
      sizes[$0] == sizes[$1] ? $0 < $1 : (sizes[$0] > sizes[$1]) == takesLargest
    }
    let chosen = order.prefix(count).sorted().map { Int32($0) }
    let sparse = SparseDelta(
      values: target.parameter("supertuning_values", [count], .zeros),
      indices: target.buffer("supertuning_indices", Tensor(chosen, shape: [count])))
    return SuperDelta(
      sparse: sparse,
      pair: rank.map { rank in
        (
          target.parameter(
            "supertuning_lora_A.weight", [rank, target.inputs], .fanIn(target.inputs)),
          target.parameter("supertuning_lora_B.weight", [target.rows.count, rank], .zeros)
        )
      }, scaling: scaling,
      dropout: Dropout(path: target.path(to: "dropout"), probability: dropout))
  }

  package func trainableCount(for target: AdapterTarget) -> Int {
    entries(of: target) + (rank ?? 0) * (target.inputs + target.rows.count)
  }

  private func entries(of target: AdapterTarget) -> Int {
    target.stored["supertuning_values"]?.first
      ?? Int(Double(target.rows.count * target.inputs) * density)
  }
}

private struct SuperDelta: WeightDelta {
  let sparse: SparseDelta
  let pair: (down: Parameter, up: Parameter)?
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { sparse.parameters + (pair.map { [$0.down, $0.up] } ?? []) }
  var buffers: [Parameter] { sparse.buffers }

  func delta(_ layer: SiteRows) -> Tensor {
    let entries = sparse.delta(layer)
    guard let pair else { return entries }
    return entries + matrixProduct(pair.up(), pair.down()).scaled(by: scaling)
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let y = layer.applied(sparse.delta(layer), bias: nil, to: x, outputs: outputs)
    guard let pair else { return y }
    let a = pair.down().sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let hidden = linear(dropout(x, context), weight: a).scaled(by: scaling)
    return y + linear(hidden, weight: pair.up().sliced(axis: 0, 0..<outputs))
  }
}
