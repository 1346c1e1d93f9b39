package import Formats
package import Layers
package import Recipes
import Tensors

/// Vector-based random matrix adaptation (arXiv 2310.11454, equation 2; as in PEFT 0.21.2, `VERA`):
/// ΔW = diag(b) B diag(d) A.
///
/// A `[r, max in]` and B `[max out, r]` are frozen and shared by all modules, which take their leading
/// columns and rows; `vera_lambda_d` is `[r]`, all `d_initial` at first, `vera_lambda_b` `[out]`, zero at
/// first. A, then B are Kaiming uniform by PyTorch's generator from `projection_prng_key`, so that files
/// without them can be read.
package struct VeRA: PEFTMethod {
  package static let name = "vera"
  package static let summary = "trained scalings of shared random projections (VeRA)"
  package static let options = OptionTable([.rank(256)]).adding(SharedProjections.options).adding(
    [.dropout("vera_dropout")])
  package static let peftType = "VERA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["exclude_modules"]
  package static let biasName = "vera_only"
  package static let regenerated: Set<String> = ["vera_A", "vera_B"]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let projections: SharedProjections

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    projections = SharedProjections(options)
    fields = PEFTFields.object(
      options, renamed: ["dropout": "vera_dropout"], PEFTFields.layers,
      ["fan_in_fan_out": false, "init_weights": true, "save_projection": true])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    try requireOneRank(targets)
    let rank = lowRank?.rank ?? 0
    let (down, up) = projections.make(
      names: ("vera_A", "vera_B"), ranks: (rank, rank), for: targets, shared)
    return targets.map { target in
      VeRADelta(
        down: down, up: up,
        inner: target.parameter("vera_lambda_d", [rank], .constant(projections.initial)),
        outer: target.parameter("vera_lambda_b", [target.rows.count], .zeros),
        dropout: target.inputDropout)
    }
  }

  /// r + out.
  package func trainableCount(for target: AdapterTarget) -> Int { target.rank + target.rows.count }
}

private struct VeRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let inner: Parameter
  let outer: Parameter
  let dropout: Dropout

  var parameters: [Parameter] { [inner, outer] }
  var inputDropout: Dropout? { dropout }

  func delta(_ layer: SiteRows) -> Tensor {
    let a = down.leading(columns: layer.site.inputs, like: inner).rowsScaled(by: inner())
    return matrixProduct(up.leading(rows: outer.elementCount, like: inner), a)
      .rowsScaled(by: outer())
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = down.leading(columns: x.shape.last ?? 0, like: inner)
    let hidden = linear(dropout(x, context), weight: a) * inner()
    return linear(hidden, weight: up.leading(rows: outputs, like: inner))
      * outer().sliced(axis: 0, 0..<outputs)
  }
}

/// The frozen matrices of VeRA and PVeRA.
struct SharedProjections: Sendable {
  private let key: Int
  /// First value of the inner scaling.
  let initial: Double

  static let options: OptionTable = [
    Option(
      "projection_prng_key", .integer, default: 0, range: .atLeast(0),
      "Seed of the shared projections, as PyTorch's generator takes it."),
    Option("d_initial", .number, default: 0.1, "First value of the inner scaling."),
  ]

  init(_ options: OptionReader) {
    key = options.int("projection_prng_key")
    initial = options.number("d_initial")
  }

  /// A `[ranks.0, max in]` and B `[max out, ranks.1]`, in the order in which they are drawn.
  func make(
    names: (String, String), ranks: (Int, Int), for targets: [AdapterTarget], _ shared: SharedValues
  ) -> (down: Parameter, up: Parameter) {
    let inputs = targets.reduce(1) { max($0, $1.inputs) }
    let outputs = targets.reduce(1) { max($0, $1.rows.count) }
    var generator = TorchGenerator(seed: key)
    let a = generator.kaiming(rows: ranks.0, columns: inputs)
    let b = generator.kaiming(rows: outputs, columns: ranks.1)
    return (
      shared.buffer(names.0, Tensor(a, shape: [ranks.0, inputs])),
      shared.buffer(names.1, Tensor(b, shape: [outputs, ranks.1]))
    )
  }
}

extension Parameter {
  /// Leading rows and columns of a frozen matrix in the type of another value.
  func leading(rows: Int? = nil, columns: Int? = nil, like other: Parameter) -> Tensor {
    value.sliced(axis: 0, 0..<(rows ?? shape[0])).sliced(axis: 1, 0..<(columns ?? shape[1]))
      .cast(to: other.value.dtype)
  }
}
