package import Layers
package import Recipes
import Tensors

/// Low-rank adaptation (arXiv 2106.09685, equation 3): W' = W + s B A with s = α/r.
///
/// A is `[r, in]`, uniform in ±1/√in at first, B is `[out, r]`, zero at first; dropout acts on the
/// adapter's input alone. On a convolution A has the base's kernel, stride, padding, dilation and
/// groups, and B is a 1×1 convolution (as in PEFT, which leaves dilation out). With `lora_bias` B has
/// a bias b_B: b' = b + s b_B. B's learning rate may be a multiple of A's (LoRA+, arXiv 2402.12354).
///
/// With `use_dora` the magnitudes of the rows are trained apart (`DoRAMap`). With `use_kasa` (arXiv
/// 2412.06071, as PEFT 0.21.2 computes it) the weight loses its r smallest singular terms and the
/// update is s B diag(d) A with d normal at first.
package struct LoRA: AdapterMethod {
  package static let name = "lora"
  package static let summary = "low-rank update B·A of a linear layer or convolution"
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "lora_bias", .boolean, default: false, "A trained bias on B, for layers that have one."),
    Option(
      "use_dora", .boolean, default: false, aliases: ["peft_use_dora"],
      "Train the magnitudes of the rows apart (DoRA)."),
    Option(
      "use_kasa", .boolean, default: false,
      "Drop the r smallest singular terms of the weight and train a diagonal (KaSA)."),
    Option(
      "loraplus_lr_ratio", .number, default: 1, range: .above(0),
      "Learning rate of B over that of A (LoRA+)."),
  ])
  package static let peftType = "LORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart, .portable,
    .rankResizable, .startable,
  ]

  package let lowRank: LowRank?
  let form: Form
  private let rateRatio: Double

  /// What is trained beside the pair.
  package enum Form: Sendable, Equatable { case pair, bias, magnitudes, diagonal }

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    let chosen: [Form] = [
      ("lora_bias", Form.bias), ("use_dora", .magnitudes), ("use_kasa", .diagonal),
    ]
    .filter { options.bool($0.0) }.map(\.1)
    if chosen.count > 1 {
      diagnostics.error(
        .rule(
          "lora_bias, use_dora and use_kasa cannot stand together, as in PEFT",
          mend: "keep one of them"), at: options.location, path: options.path)
    }
    self.init(
      LowRank(options), form: chosen.first ?? .pair,
      rateRatio: options.number("loraplus_lr_ratio"))
  }

  package init(_ lowRank: LowRank, form: Form = .pair, rateRatio: Double = 1) {
    self.lowRank = lowRank
    self.form = form
    self.rateRatio = rateRatio
  }

  var hasBias: Bool { form == .bias }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try Self.checkGroups(target)
    if let start = target.start, start.isOffset, target.site.groupCount > 1 {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "this init needs a layer without groups. Leave it out of target_modules")
    }
    if form == .magnitudes || form == .diagonal, target.site.groupCount > 1 {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "use_dora and use_kasa need a layer without groups. Leave it out of target_modules")
    }
    if hasBias, target.site.bias == nil {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "lora_bias needs a layer with a bias. Leave it out of target_modules, or set "
          + "lora_bias: false")
    }
    switch form {
    case .pair, .bias: return LoRADelta(target, hasBias: hasBias)
    case .magnitudes: return DoRAMap(target)
    case .diagonal:
      try target.requireRank(target.rank, method: "use_kasa")
      let parts = target.singularValues()
      return LoRADelta(
        target, hasDiagonal: true,
        taken: LowRankStart(parts, target.rank, scaling: target.scaling, isLargest: false))
    }
  }

  /// r (in·kernel/groups + rows/groups), and rows more with a bias or magnitudes, r with a diagonal.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let pair =
      target.rank * target.site.inputs + target.rows.count * target.rank / target.site.groupCount
    return switch form {
    case .pair: pair
    case .bias, .magnitudes: pair + target.rows.count
    case .diagonal: pair + target.rank
    }
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

extension AdaptationSite {
  /// Groups of a convolution that do not mix; 1 for a linear layer.
  package var groupCount: Int {
    if case .convolution(_, let geometry) = kind { geometry.groups } else { 1 }
  }
}
