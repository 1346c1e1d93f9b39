package import Layers
package import Recipes
import Tensors

/// Low-rank adaptation (arXiv 2106.09685, equation 3): W' = W + s B A with s = α/r.
///
/// A is `[r, in]`, uniform in ±1/√in at first, B is `[out, r]`, zero at first; dropout acts on the
/// adapter's input alone. On a convolution A has the base's kernel, stride, padding, dilation and
/// groups, and B is a 1×1 convolution (as in PEFT, which leaves dilation out). With `lora_bias` B has
/// a bias b_B: b' = b + s b_B. B's learning rate may be a multiple of A's (LoRA+, arXiv 2402.12354).
package struct LoRA: AdapterMethod {
  package static let name = "lora"
  package static let summary = "low-rank update B·A of a linear layer or convolution"
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "lora_bias", .boolean, default: false, "A trained bias on B, for layers that have one."),
    Option(
      "loraplus_lr_ratio", .number, default: 1, range: .above(0),
      "Learning rate of B over that of A (LoRA+)."),
  ])
  package static let peftType = "LORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart, .portable,
    .rankResizable,
  ]

  package let lowRank: LowRank?
  let hasBias: Bool
  private let rateRatio: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    self.init(
      LowRank(options), hasBias: options.bool("lora_bias"),
      rateRatio: options.number("loraplus_lr_ratio"))
  }

  package init(_ lowRank: LowRank, hasBias: Bool = false, rateRatio: Double = 1) {
    self.lowRank = lowRank
    self.hasBias = hasBias
    self.rateRatio = rateRatio
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try Self.checkGroups(target)
    if hasBias, target.site.bias == nil {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "lora_bias needs a layer with a bias. Leave it out of target_modules, or set "
          + "lora_bias: false")
    }
    return LoRADelta(target, hasBias: hasBias)
  }

  /// r (in·kernel/groups + rows/groups), and with a bias rows more.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * target.site.inputs + target.rows.count * target.rank / target.site.groupCount
      + (hasBias ? target.rows.count : 0)
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    UpdatePolicy(rateFactor: parameter.path.contains(".lora_B.") ? rateRatio : 1)
  }

  /// Refuses what a grouped convolution cannot have.
  static func checkGroups(_ target: AdapterTarget) throws(AdapterError) {
    let groups = target.site.groupCount
    if target.rank % groups != 0 {
      throw .unsupported(
        module: target.site.path, method: name,
        reason: "rank \(target.rank) is not divisible by the convolution's \(groups) groups. "
          + "Choose a multiple")
    }
    if !target.isWhole && groups > 1 {
      throw .unsupported(
        module: target.site.path, method: name,
        reason: "rows of a grouped convolution cannot be adapted alone. Name the whole layer")
    }
  }
}

/// The trainable pair of one target.
struct LoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let bias: Parameter?
  let scaling: Double
  private let kind: AdaptationSite.Kind
  private let dropout: Dropout

  var parameters: [Parameter] { [down, up] + (bias.map { [$0] } ?? []) }
  var inputDropout: Dropout? { dropout }
  var biasDelta: Tensor? { bias?().scaled(by: scaling) }

  init(_ target: AdapterTarget, hasBias: Bool = false) {
    let tail = Array(target.site.weight.shape[1...])
    kind = target.site.kind
    scaling = target.scaling
    down = target.parameter(
      "lora_A.weight", [target.rank] + tail, .fanIn(target.site.inputs))
    up = target.parameter(
      "lora_B.weight",
      [target.rows.count, target.rank / target.site.groupCount]
        + tail.dropFirst().map { _ in 1 }, .zeros)
    bias = hasBias ? target.parameter("lora_B.bias", [target.rows.count], .zeros) : nil
    dropout = Dropout(path: target.path(to: "lora_dropout"), probability: target.dropout)
  }

  func factors(_ context: ForwardContext) -> LowRankFactors? {
    guard kind == .linear, bias == nil, !dropout.drops(context) else { return nil }
    return LowRankFactors(down: down, up: up, scaling: scaling)
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = dropout(x, context)
    let shift = bias?().sliced(axis: 0, 0..<outputs).scaled(by: scaling)
    switch kind {
    case .linear:
      let width = x.shape.last ?? 0
      let hidden = linear(input, weight: down().sliced(axis: 1, 0..<width)).scaled(by: scaling)
      return linear(hidden, weight: up().sliced(axis: 0, 0..<outputs), bias: shift)
    case .convolution(_, let geometry):
      let hidden = convolution(input, weight: down(), geometry: geometry).scaled(by: scaling)
      return convolution(
        hidden, weight: up().sliced(axis: 0, 0..<outputs), bias: shift,
        geometry: ConvolutionGeometry(groups: geometry.groups))
    }
  }

  func delta(_ layer: SiteRows) -> Tensor {
    let groups = layer.site.groupCount
    let a = down().reshaped(to: [down.shape[0], -1])
    let b = up().reshaped(to: [up.shape[0], -1])
    let (rank, rows) = (a.shape[0] / groups, b.shape[0] / groups)
    let products = (0..<groups).map { group in
      matrixProduct(
        b.sliced(axis: 0, (group * rows)..<((group + 1) * rows)),
        a.sliced(axis: 0, (group * rank)..<((group + 1) * rank)))
    }
    return Tensor.concatenated(products, axis: 0).scaled(by: scaling)
  }
}

extension AdaptationSite {
  /// Groups of a convolution that do not mix; 1 for a linear layer.
  package var groupCount: Int {
    if case .convolution(_, let geometry) = kind { geometry.groups } else { 1 }
  }
}
