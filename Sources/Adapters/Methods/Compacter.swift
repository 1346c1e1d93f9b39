import Layers
package import Recipes
import Tensors

/// Bottlenecks of parametrized hypercomplex layers behind both sublayers (arXiv 2106.04647, section 4;
/// layers: arXiv 2102.08597).
///
/// z' = z + A(z) with A(z) = φ(z H_D + d) H_U + u in the convention of row vectors. A layer's H
/// `[in, out]` is Σᵢ Cᵢ ⊗ Wᵢ over N terms: rule Cᵢ `[N, N]`, one for all layers of the model unless
/// `shared_rule` is off; Wᵢ `[in / N, out / N]` a product of rank r, or dense. With
/// `rule_factorised` Cᵢ = lᵢ rᵢᵀ. The rule starts normal with deviation 0.01, each Wᵢ Xavier uniform.
/// Differs from the reference in that H_U starts at zero.
package struct Compacter: StreamMethod {
  package static let name = "compacter"
  package static let summary = "bottlenecks of sums of Kronecker products with one shared rule"
  package static let options: OptionTable = [
    Option("N", .integer, default: 4, range: .atLeast(1), "Terms of a sum of Kronecker products."),
    Option(
      "h", .integer, default: 24, range: .atLeast(1), "Width of the bottleneck, a multiple of N."),
    Option("factorised", .boolean, default: true, "Low-rank factors for the matrices W."),
    Option(
      "r", .integer, default: 1, range: .atLeast(1), aliases: ["rank"],
      "Rank of the matrices W where factorised."),
    Option("rule_factorised", .boolean, default: false, "Matrices of the rule of rank 1."),
    Option("shared_rule", .boolean, default: true, "One rule for all layers."),
    Option(
      "activation", .choice(BottleneckActivation.self), default: "gelu-tanh",
      "Function between the two layers."),
    StreamPlacement.scaleOption(),
  ]
  package static let peftType = "COMPACTER"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let placement: StreamPlacement
  fileprivate let terms: Int
  fileprivate let rank: Int?
  fileprivate let factorsRule: Bool
  fileprivate let sharesRule: Bool
  private let hidden: Int
  private let activation: BottleneckActivation

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    terms = max(1, options.int("N"))
    hidden = max(1, options.int("h"))
    rank = options.bool("factorised") ? max(1, options.int("r")) : nil
    factorsRule = options.bool("rule_factorised")
    sharesRule = options.bool("shared_rule")
    activation = options.choice("activation", as: BottleneckActivation.self)
    placement = StreamPlacement(
      sublayers: [.attention, .mlp], input: .output, scale: options.number("scale"),
      modules: StreamPlacement.audioModules)
    if hidden % terms != 0 {
      diagnostics.error(
        .rule("h \(hidden) is no multiple of N \(terms)", mend: "choose a multiple"),
        at: options.location, path: options.path)
    }
  }

  package func makeMap(
    _ scope: BranchScope, _ shared: SharedValues
  ) throws(AdapterError) -> any StreamMap {
    guard scope.width % terms == 0 else {
      throw .unsupported(
        module: scope.block.site.path, method: Self.name,
        reason: "the stream's width \(scope.width) is no multiple of N \(terms). Choose another N")
    }
    let down = HypercomplexLayer(
      scope, "down_sampler", inputs: scope.width, outputs: hidden, startsAtZero: false, self,
      shared)
    let up = HypercomplexLayer(
      scope, "up_sampler", inputs: hidden, outputs: scope.width, startsAtZero: true, self, shared)
    return CompacterMap(down: down, up: up, activation: activation)
  }

  /// For each of both layers: in + out values of a rank, or in out / N; out of the bias; the rule
  /// where it is not shared.
  package func mapCount(width: Int) -> Int {
    let weights = rank.map { $0 * (width + hidden) } ?? width * hidden / terms
    return 2 * weights + hidden + width + (sharesRule ? 0 : 2 * ruleCount)
  }

  package func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int {
    sharesRule && !blocks.isEmpty ? ruleCount : 0
  }

  private var ruleCount: Int { factorsRule ? 2 * terms * terms : terms * terms * terms }
}

private struct CompacterMap: StreamMap {
  let down: HypercomplexLayer
  let up: HypercomplexLayer
  let activation: BottleneckActivation

  var parameters: [Parameter] { down.parameters + up.parameters }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    up(activation(down(x)))
  }
}

/// y = x Σᵢ Cᵢ ⊗ Wᵢ + b.
private struct HypercomplexLayer: Sendable {
  /// C `[N, N, N]`, or l `[N, N, 1]` and r `[N, 1, N]`.
  let rule: [Parameter]
  /// W `[N, in / N, out / N]`, or s `[N, in / N, rank]` and t `[N, rank, out / N]`.
  let weights: [Parameter]
  let bias: Parameter

  var parameters: [Parameter] { rule + weights + [bias] }

  init(
    _ scope: BranchScope, _ name: String, inputs: Int, outputs: Int, startsAtZero: Bool,
    _ method: Compacter, _ shared: SharedValues
  ) {
    let terms = method.terms
    let (rows, columns) = (inputs / terms, outputs / terms)
    func own(_ suffix: String, _ shape: [Int], _ initialization: Initialization) -> Parameter {
      scope.parameter(name + "." + suffix, shape, initialization)
    }
    func ruled(_ suffix: String, _ shape: [Int]) -> Parameter {
      let drawn = Initialization.normal(standardDeviation: 0.01)
      return method.sharesRule
        ? shared.value("phm_rule" + suffix, shape, drawn) : own("phm_rule" + suffix, shape, drawn)
    }
    rule =
      method.factorsRule
      ? [ruled("_left", [terms, terms, 1]), ruled("_right", [terms, 1, terms])]
      : [ruled("", [terms, terms, terms])]
    func slices(_ rows: Int, _ columns: Int) -> Initialization {
      .xavier(inputs: rows, outputs: columns)
    }
    if let rank = method.rank {
      weights = [
        own("W_left", [terms, rows, rank], slices(rows, rank)),
        own(
          "W_right", [terms, rank, columns], startsAtZero ? .zeros : slices(rank, columns)),
      ]
    } else {
      weights = [own("W", [terms, rows, columns], startsAtZero ? .zeros : slices(rows, columns))]
    }
    bias = own("b", [outputs], .zeros)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (c, w) = (Self.product(rule), Self.product(weights))
    let (terms, rows, columns) = (c.shape[0], w.shape[1], w.shape[2])
    // Σᵢ C[i, a, b] W[i, p, q] at row (b, q) and column (a, p): Hᵀ.
    let sums = matrixProduct(
      c.reshaped(to: [terms, -1]).permuted([1, 0]), w.reshaped(to: [terms, -1]))
    let transposed = sums.reshaped(to: [terms, terms, rows, columns]).permuted([1, 3, 0, 2])
      .reshaped(to: [terms * columns, terms * rows])
    return linear(x, weight: transposed, bias: bias())
  }

  /// One matrix for each term.
  private static func product(_ factors: [Parameter]) -> Tensor {
    factors.count == 2 ? batchedProduct(factors[0](), factors[1]()) : factors[0]()
  }
}
