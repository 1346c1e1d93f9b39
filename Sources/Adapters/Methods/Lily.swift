package import Formats
package import Layers
package import Recipes
package import Tensors

/// Low-rank interconnected adaptation (Lily, arXiv 2407.09946, section 3; as in PEFT 0.21.2, `LILY`):
/// y = W x + b + scaling · (Σ_e w_e B_eᵀ) A x, w the mean of softmax(router A x) over all tokens.
///
/// `lily_A.weight` is `[r, in]`, uniform in ±1/√in at first and shared by runs of `stride_A` blocks;
/// `lily_B.weight` `[num_B · r, out]`, rows e r…(e + 1) r making B_e, zero at first and shared by all
/// modules of one name and shape; `lily_router.weight` `[num_B, r]` is every module's own. A file has a
/// copy for each module. The w depend on all samples that are computed together, so that the adapter
/// cannot be merged, and a batch is trained as a whole, on one thread.
package struct Lily: PEFTMethod {
  package static let name = "lily"
  package static let summary = "low-rank update with shared, routed factors (Lily)"
  package static let options: OptionTable = [
    .rank(32),
    Option(
      "stride_a", .integer, default: 1, range: .atLeast(1), aliases: ["stride_A"],
      "Consecutive modules of a name that share A."),
    Option(
      "num_b", .integer, default: 2, range: .atLeast(1), aliases: ["num_B"],
      "Matrices B that are mixed."),
    Option("scaling", .number, default: 1, "Factor on the update."),
  ]
  package static let peftType = "LILY"
  package static let capabilities: AdapterCapabilities = [
    .linear, .zeroStart, .portable, .mixesSamples,
  ]
  package static let absentFields: Set<String> = ["bias"]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let stride: Int
  private let count: Int
  private let scaling: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    stride = options.int("stride_a")
    count = options.int("num_b")
    scaling = options.number("scaling")
    fields = PEFTFields.object(
      options, renamed: ["stride_a": "stride_A", "num_b": "num_B"], PEFTFields.layers,
      ["init_weights": true])
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    try requireOneRank(targets)
    var groups: [String: [LilyBranch]] = [:]
    return targets.map { target in
      let (rank, rows) = (target.rank, target.rows.count)
      let known = groups[Self.group(target)] ?? []
      let leader = known.count % stride == 0 ? nil : known[known.count / stride * stride]
      let branch = LilyBranch(
        down: leader?.down
          ?? target.parameter("lily_A.weight", [rank, target.inputs], .fanIn(target.inputs)),
        up: known.first?.up ?? target.parameter("lily_B.weight", [count * rank, rows], .zeros),
        router: target.parameter("lily_router.weight", [count, rank], .fanIn(rank)),
        scaling: scaling)
      groups[Self.group(target), default: []].append(branch)
      return branch
    }
  }

  /// The router's num_B r; the shared matrices are counted once.
  package func trainableCount(for target: AdapterTarget) -> Int { count * target.rank }

  package func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int {
    let groups = Dictionary(grouping: targets) { Self.group($0) }.values
    return groups.reduce(0) { sum, group in
      sum + group[0].rank
        * ((group.count + stride - 1) / stride * group[0].inputs + count * group[0].rows.count)
    }
  }

  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    module.modules.flatMap { target, change in
      zip(Self.names, change.parameters).map { StoredValue(target.path(to: $0), $1.value) }
    }
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for (target, change) in module.modules {
      for (name, parameter) in zip(Self.names, change.parameters) {
        values[parameter.path] = try value(target.path(to: name))
      }
    }
    return values
  }

  private static let names = ["lily_A.weight", "lily_B.weight", "lily_router.weight"]

  /// The module's name without numbers of blocks, and its shape.
  private static func group(_ target: AdapterTarget) -> String {
    let name = target.site.path.split(separator: ".").map { Int($0) == nil ? $0 : "*" }
    return name.joined(separator: ".") + " \(target.site.weight.shape)"
  }
}

private struct LilyBranch: Branch {
  let down: Parameter
  let up: Parameter
  let router: Parameter
  let scaling: Double

  var parameters: [Parameter] { [down, up, router] }

  func output(
    _ y: Tensor, input x: Tensor, of layer: SiteRows, context: ForwardContext
  ) -> Tensor {
    let (rank, count, rows) = (down.shape[0], router.shape[0], up.shape[1])
    let hidden = linear(x, weight: down())
    let tokens = linear(hidden, weight: router()).softmax().reshaped(to: [-1, count])
    let weights = tokens.averaged(over: [0])
    let mixed = matrixProduct(weights, up().reshaped(to: [count, rank * rows]))
      .reshaped(to: [rank, rows])
    return y + linear(hidden, weight: mixed.transposed).scaled(by: scaling)
  }

  func merged(
    _ weight: Tensor, _ bias: Tensor?, _ layer: SiteRows
  ) throws(UnmergeableDelta) -> (weight: Tensor, bias: Tensor?) {
    throw UnmergeableDelta(
      "the update is mixed by what the samples of a batch are, so that no weight can stand for it. "
        + "Keep the adapter beside the model")
  }
}
