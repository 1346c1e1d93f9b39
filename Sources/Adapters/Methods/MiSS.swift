package import Formats
package import Layers
package import Recipes
import Tensors

/// Matrix shard sharing (MiSS, formerly Bone, arXiv 2409.15371; as in PEFT 0.21.2, `MISS`).
///
/// `init_weights: true`: the block M is `[r, out]` and ΔW[o, i] = M[i mod r, o], that is
/// y = W x + b + Mᵀ (sum of x over pieces of r inputs, padded with zeros).
/// `mini`: M is `[r, mini_r]` and repeated along the outputs.
/// `bat`: M is `[out/r, r, r]`, and the tiles of the weight become W_ac + W_ac M_a + M_a.
/// M is zero at first. The name `bone` stands for the same method.
package struct MiSS: PEFTMethod {
  /// What the block multiplies.
  package enum Form: String, Sendable, CaseIterable {
    case standard = "true"
    case mini, bat
  }

  package static let name = "miss"
  package static let aliases = ["bone"]
  package static let summary = "one block shared by all shards of a weight (MiSS, Bone)"
  package static let options: OptionTable = [
    .rank(64),
    Option(
      "mini_r", .integer, default: 1, range: .atLeast(1),
      "Columns of the block for init_weights mini, a divisor of the outputs."),
    Option(
      "init_weights", .choice(Form.self), default: "true",
      "The form: true for one block by outputs, mini for a smaller one, bat for blocks that "
        + "multiply the weight."),
    .dropout("miss_dropout"),
  ]
  package static let peftType = "MISS"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let biasName = "miss_only"

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let form: Form
  private let columns: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    form = options.choice("init_weights", as: Form.self)
    columns = options.int("mini_r")
    var fields = PEFTFields.object(
      options, renamed: ["dropout": "miss_dropout"], PEFTFields.layers)
    if form == .standard { fields["init_weights"] = true }
    self.fields = fields
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, rows) = (target.rank, target.rows.count)
    switch form {
    case .standard:
      return MiSSDelta(
        block: target.parameter("miss_block", [rank, rows], .zeros), rows: rows,
        dropout: target.inputDropout)
    case .mini:
      try require(columns, divides: rows, "outputs", of: target, option: "mini_r")
      return MiSSDelta(
        block: target.parameter("miss_block", [rank, columns], .zeros), rows: rows,
        dropout: target.inputDropout)
    case .bat:
      try require(rank, divides: rows, "outputs", of: target, option: "r")
      try require(rank, divides: target.inputs, "inputs", of: target, option: "r")
      return BatMap(block: target.parameter("miss_block", [rows / rank, rank, rank], .zeros))
    }
  }

  /// r · out, or r · mini_r.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (form == .mini ? columns : target.rows.count)
  }

  /// `false` draws the first values, which a file has anyway.
  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    namedOptions(configuration).map {
      $0.key == "init_weights" && $0.value == .boolean(false)
        ? PlainValue.Field("init_weights", true) : $0
    }
  }
}

private struct MiSSDelta: WeightDelta {
  /// `[r, out]`, or fewer columns that repeat.
  let block: Parameter
  let rows: Int
  let dropout: Dropout

  var parameters: [Parameter] { [block] }
  var inputDropout: Dropout? { dropout }

  /// `[out, r]`.
  private var whole: Tensor {
    let (rank, columns) = (block.shape[0], block.shape[1])
    guard columns < rows else { return block().transposed }
    let repeated = block().reshaped(to: [rank, 1, columns])
      .expanded(to: [rank, rows / columns, columns])
    return repeated.reshaped(to: [rank, rows]).transposed
  }

  func delta(_ layer: SiteRows) -> Tensor {
    let inputs = layer.site.inputs
    let places = (0..<inputs).map { Int32($0 % block.shape[0]) }
    return whole.gathered(axis: 1, indices: Tensor(places, shape: [inputs]))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let (rank, axis, width) = (block.shape[0], x.rank - 1, x.shape.last ?? 0)
    let padded = dropout(x, context)
      .padded(axis: axis, before: 0, after: (rank - width % rank) % rank)
    let leading = Array(x.shape.dropLast())
    let sums = padded.reshaped(to: leading + [-1, rank]).summed(over: [axis])
    return linear(
      sums.reshaped(to: leading + [rank]), weight: whole.sliced(axis: 0, 0..<outputs))
  }
}

private struct BatMap: WeightMap {
  /// `[out/r, r, r]`.
  let block: Parameter

  var parameters: [Parameter] { [block] }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let (tiles, rank) = (block.shape[0], block.shape[1])
    let (rows, inputs) = (base.shape[0], base.shape[1])
    let across = inputs / rank
    // `[out/r, in/r · r, r]`: all tiles of a band of rows, one below the other.
    let bands = base.reshaped(to: [tiles, rank, across, rank]).permuted([0, 2, 1, 3])
      .reshaped(to: [tiles, across * rank, rank])
    let added = block().reshaped(to: [tiles, 1, rank, rank])
      .expanded(to: [tiles, across, rank, rank]).reshaped(to: bands.shape)
    let changed = bands + batchedProduct(bands, block()) + added
    return changed.reshaped(to: [tiles, across, rank, rank]).permuted([0, 2, 1, 3])
      .reshaped(to: [rows, inputs])
  }
}
