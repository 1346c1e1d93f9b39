package import Formats
package import Layers
package import Recipes
import Tensors

/// Partly learnable projections (Break-for-Make, arXiv 2403.19456): ΔW = s B A, s = α/r, with half of either
/// factor frozen.
///
/// A = [C D] with C `[r, ⌊in/2⌋]` (`plp_C`) frozen and D (`plp_D`) trained, B = [E; F] with E `[⌊rows/2⌋, r]`
/// (`plp_E`) frozen and F (`plp_F`) trained. D is normal with deviation 1/r at first and F zero. On a weight
/// with as many rows as inputs C and E are disjoint rows of one orthonormal basis `[in, r]`, so that the
/// first output is not the base's; elsewhere C is drawn like D and E is zero, as in the authors' program,
/// which draws the basis of 1280 rows whatever the layer.
///
/// `part` says what trains at full rate: `content` A, `style` B, the other factor at `minor_rate` of it;
/// `both` trains both so. A saved adapter of any part is a start for any other (`adapter.from`). Joining
/// the A of one run to the B of another, and the preconditioned step of the paper's second stage, are not
/// offered.
package struct BreakForMake: RecordsOptions {
  enum Part: String, CaseIterable { case content, style, both }

  package static let name = "break-for-make"
  package static let summary = "a low-rank pair with half of either factor frozen (Break-for-Make)"
  package static let isExperimental = true
  package static let options = LowRank.options(rank: 64).adding([
    Option(
      "part", .choice(Part.self), default: "both",
      "What trains at full rate: content, the down factor; style, the up factor; or both."),
    Option(
      "minor_rate", .number, default: 0.1, range: .atLeast(0),
      "Factor on the learning rate of what is not the part."),
  ])
  package static let peftType = "BREAK_FOR_MAKE"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let part: Part
  private let minorRate: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    part = options.choice("part", as: Part.self)
    minorRate = options.number("minor_rate")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let (rank, rows, inputs) = (target.rank, target.rows.count, target.inputs)
    let deviation = 1 / Double(rank)
    var (c, e): (Parameter, Parameter)
    if rows == inputs {
      let drawn = Parameter(
        path: target.path(to: "plp_basis"), shape: [inputs, rank],
        initialization: .normal(standardDeviation: 1))
      drawn.initialize(seed: shared.seed)
      let basis = MadeOnce { drawn.value.orthonormalColumns() }
      let half = inputs / 2
      c = Parameter(path: target.path(to: "plp_C"), shape: [rank, half]) {
        basis.value.sliced(axis: 0, 0..<half).transposed
      }
      e = Parameter(path: target.path(to: "plp_E"), shape: [half, rank]) {
        basis.value.sliced(axis: 0, half..<(2 * half))
      }
    } else {
      func frozen(_ name: String, _ shape: [Int], _ start: Initialization) -> Parameter {
        Parameter(
          path: target.path(to: name), shape: shape, initialization: start, isBuffer: true)
      }
      c = frozen("plp_C", [rank, inputs / 2], .normal(standardDeviation: deviation))
      e = frozen("plp_E", [rows / 2, rank], .zeros)
    }
    return HalvesDelta(
      down: (
        c,
        target.parameter(
          "plp_D", [rank, inputs - inputs / 2], .normal(standardDeviation: deviation))
      ),
      up: (e, target.parameter("plp_F", [rows - rows / 2, rank], .zeros)),
      scaling: target.scaling, dropout: target.inputDropout)
  }

  /// r (⌈in/2⌉ + ⌈rows/2⌉).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * ((target.inputs + 1) / 2 + (target.rows.count + 1) / 2)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    let isDown = parameter.path.hasSuffix("plp_D")
    return UpdatePolicy(rateFactor: part == .both || isDown == (part == .content) ? 1 : minorRate)
  }

  /// Without what is of training alone.
  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    Self.options.names.filter { !["part", "minor_rate"].contains($0) }
      .reduce(into: JSONObject()) { object, name in
        object[name] = reader.value(name).map { JSONValue($0.plain) }
      }
  }
}

private struct HalvesDelta: WeightDelta {
  /// C and D.
  let down: (frozen: Parameter, trained: Parameter)
  /// E and F.
  let up: (frozen: Parameter, trained: Parameter)
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down.trained, up.trained] }
  var buffers: [Parameter] { [down.frozen, up.frozen] }
  var inputDropout: Dropout? { dropout }

  private var wholeDown: Tensor {
    Tensor.concatenated([down.frozen.value, down.trained()], axis: 1)
  }
  private var wholeUp: Tensor { Tensor.concatenated([up.frozen.value, up.trained()], axis: 0) }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(wholeUp, wholeDown.scaled(by: scaling))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = wholeDown.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let hidden = linear(dropout(x, context), weight: a).scaled(by: scaling)
    return linear(hidden, weight: wholeUp.sliced(axis: 0, 0..<outputs))
  }
}
