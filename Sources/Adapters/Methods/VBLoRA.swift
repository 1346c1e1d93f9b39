package import Formats
package import Layers
package import Recipes
import Tensors

/// LoRA whose factors are mixed from one bank of vectors (VB-LoRA, arXiv 2405.15179, equation 4; as in
/// PEFT 0.21.2, `VBLORA`): ΔW = B A.
///
/// The bank is `[num_vectors, l]`, shared and trained; `vblora_logits_A` `[r, in/l, num_vectors]`,
/// `vblora_logits_B` `[out/l, r, num_vectors]`. Every piece of l values of a row of A or a column of B is
/// the mean of the bank's vectors under the softmax of its `topk` largest logits. There is no scaling, and
/// the first output is not the frozen model's: bank uniform in ±`init_vector_bank_bound`, logits normal.
/// Files with `save_only_topk_weights` are not offered.
package struct VBLoRA: PEFTMethod {
  package static let name = "vblora"
  package static let summary = "LoRA with factors mixed from a shared vector bank (VB-LoRA)"
  package static let options: OptionTable = [
    .rank(4),
    Option("num_vectors", .integer, default: 256, range: .atLeast(1), "Vectors of the bank."),
    Option(
      "vector_length", .integer, default: 256, range: .atLeast(1),
      "Length of a vector, a divisor of inputs and outputs."),
    Option("topk", .integer, default: 2, range: .atLeast(1), "Vectors mixed into one."),
    Option(
      "init_vector_bank_bound", .number, default: 0.02, range: .atLeast(0),
      "Bound of the bank's first values."),
    Option(
      "init_logits_std", .number, default: 0.1, range: .atLeast(0),
      "Deviation of the first logits."),
    .dropout("vblora_dropout"),
  ]
  package static let peftType = "VBLORA"
  package static let capabilities: AdapterCapabilities = [.linear, .mergeable, .portable, .rows]
  package static let biasName = "vblora_only"
  package static let fixedFields = [
    FixedField(
      "save_only_topk_weights", false, "logits cut to their largest cannot be trained further")
  ]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let vectors: Int
  private let length: Int
  private let kept: Int
  private let bound: Double
  private let deviation: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    vectors = options.int("num_vectors")
    length = options.int("vector_length")
    kept = options.int("topk")
    bound = options.number("init_vector_bank_bound")
    deviation = options.number("init_logits_std")
    fields = PEFTFields.object(
      options, renamed: ["dropout": "vblora_dropout"], PEFTFields.layers,
      ["fan_in_fan_out": false])
    if kept > vectors {
      diagnostics.error(
        .rule("topk is above num_vectors", mend: "lower topk"), at: options.location,
        path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let rows = target.rows.count
    try require(length, divides: target.inputs, "inputs", of: target, option: "vector_length")
    try require(length, divides: rows, "outputs", of: target, option: "vector_length")
    let drawn = Initialization.normal(standardDeviation: deviation)
    return VBLoRADelta(
      bank: shared.value("vblora_vector_bank", [vectors, length], .uniform(bound: bound)),
      down: target.parameter(
        "vblora_logits_A", [target.rank, target.inputs / length, vectors], drawn),
      up: target.parameter("vblora_logits_B", [rows / length, target.rank, vectors], drawn),
      kept: kept, dropout: target.inputDropout)
  }

  /// r (in + out)/l · num_vectors.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count) / length * vectors
  }

  package func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int {
    vectors * length
  }
}

private struct VBLoRADelta: WeightDelta {
  let bank: Parameter
  let down: Parameter
  let up: Parameter
  let kept: Int
  let dropout: Dropout

  var parameters: [Parameter] { [bank, down, up] }
  var inputDropout: Dropout? { dropout }

  /// A `[r, in]`.
  private var a: Tensor { mixed(down).reshaped(to: [down.shape[0], -1]) }

  /// B `[out, r]`.
  private var b: Tensor {
    let (pieces, rank, length) = (up.shape[0], up.shape[1], bank.shape[1])
    return mixed(up).reshaped(to: [pieces, rank, length]).permuted([0, 2, 1])
      .reshaped(to: [pieces * length, rank])
  }

  func delta(_ layer: SiteRows) -> Tensor { matrixProduct(b, a) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let hidden = linear(
      dropout(x, context), weight: a.sliced(axis: 1, 0..<(x.shape.last ?? 0)))
    return linear(hidden, weight: b.sliced(axis: 0, 0..<outputs))
  }

  /// Means of the bank's vectors, one row for each vector of logits.
  private func mixed(_ logits: Parameter) -> Tensor {
    let flat = logits().reshaped(to: [-1, bank.shape[0]])
    return matrixProduct((flat + excluded(flat)).softmax(), bank())
  }

  /// Minus infinity, as far as numbers go, for all but the largest logits of a row.
  private func excluded(_ logits: Tensor) -> Tensor {
    let count = logits.shape[1]
    let values = logits.detached().cast(to: .f64).elements(as: Double.self)
    var mask = [Double](repeating: -1e30, count: values.count)
    for start in stride(from: 0, to: values.count, by: count) {
      let order = (start..<(start + count)).sorted { (values[$0], $1) > (values[$1], $0) }
      for index in order.prefix(kept) { mask[index] = 0 }
    }
    return Tensor(mask, shape: logits.shape).cast(to: logits.dtype)
  }
}
