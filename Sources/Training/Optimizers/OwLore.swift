package import Layers
package import Recipes
package import Tensors

/// GaLore over a few blocks at a time, drawn by their outliers (OwLore, arXiv 2405.18380).
///
/// Every K steps γ of the transformer's blocks are drawn without replacement, block l in proportion to p_l;
/// the others get no gradient, and their averages are forgotten. What stands in no block is always
/// trained. p_l by `distribution`: `owl` the outlier ratio D_l, the mean over the block's matrices of the
/// share of entries with |W_ij| ‖X_j‖₂ above M times their mean, X the inputs on the first batch, once
/// before the first step; `owl-reverse` max p − p_l of these; `norm` the mean Frobenius norm of the
/// block's matrices then; `increase` l + 1, `decrease` as many from behind; `uniform` all alike, which
/// is LISA's choice. Where no block has an outlier, all are alike. Meant for whole weights:
/// `adapter: {method: none}` and `model.freeze_backbone: false`.
package struct OwLore: Optimizer {
  /// How blocks are weighed.
  enum Distribution: String, CaseIterable {
    case owl
    case owlReverse = "owl-reverse"
    case norm, increase, decrease, uniform
  }

  package static let name = "owlore"
  package static let summary = "GaLore over blocks that are drawn by their outliers"
  package static let options: OptionTable =
    GaLore.options.adding([
      Option("n_blocks", .integer, default: 5, range: .atLeast(1), "Blocks γ that are trained."),
      Option(
        "interval", .integer, default: 50, range: .atLeast(1),
        "Steps K after which other blocks are drawn."),
      Option(
        "distribution", .choice(Distribution.self), default: "owl",
        "By what blocks are drawn: outliers, their opposite, size, place, or all alike."),
      Option(
        "outlier_factor", .number, default: 13, range: .above(0),
        "M: entries above so many times the mean are outliers."),
    ])

  package var learningRate: Double { inner.learningRate }
  package var weightDecay: Double { inner.weightDecay }
  private var inner: GaLore
  private let blockCount: Int
  private let interval: Int
  private let distribution: Distribution
  private let factor: Double
  /// p by block, not yet divided by their sum.
  private var shares: [String: Double] = [:]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    inner = GaLore(options, diagnostics)
    blockCount = max(1, options.int("n_blocks"))
    interval = max(1, options.int("interval"))
    distribution = options.choice("distribution", as: Distribution.self)
    factor = options.number("outlier_factor")
  }

  package var needsInputs: Bool {
    shares.isEmpty && (distribution == .owl || distribution == .owlReverse)
  }

  package mutating func learn(inputLengths: [String: [Double]], parameters: [Parameter]) {
    let ratios = Self.byBlock(parameters) { parameter in
      let module = parameter.path.split(separator: ".").dropLast().joined(separator: ".")
      guard let lengths = inputLengths[module], lengths.count == parameter.shape[1] else {
        return nil
      }
      return Self.outlierRatio(parameter.value, lengths: lengths, factor: factor)
    }
    shares = distribution == .owl ? ratios : Self.reversed(ratios)
  }

  package mutating func begin(step: Int, seed: UInt64, parameters: [Parameter]) {
    let blocks = Self.blocks(parameters)
    if distribution == .norm, shares.isEmpty {
      shares = Self.byBlock(parameters) { $0.value.sumOfSquares().squareRoot() }
    }
    var random = Philox(seed: seed, purpose: .schedule, step: step / interval, index: 0)
    let drawn = draw(blocks, &random)
    for parameter in parameters {
      let isTrained = LISA.block(of: parameter.path).map { drawn.contains($0) } ?? true
      parameter.isTrainable = isTrained
      if !isTrained { _ = inner.forget(parameter.path) }
    }
  }

  package mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    inner.update(
      parameter, gradient: gradient, learningRate: learningRate, weightDecay: weightDecay)
  }

  package mutating func forget(_ path: String) -> Int? { inner.forget(path) }

  /// The share by which each of some blocks is drawn; their sum is 1.
  package func probabilities(_ blocks: [String]) -> [Double] {
    let weights = blocks.enumerated().map { place, block -> Double in
      switch distribution {
      case .owl, .owlReverse, .norm: shares[block] ?? 0
      case .increase: Double(place + 1)
      case .decrease: Double(blocks.count - place)
      case .uniform: 1
      }
    }
    let sum = weights.reduce(0, +)
    return weights.map { sum > 0 ? $0 / sum : 1 / Double(max(1, blocks.count)) }
  }

  /// γ blocks one after the other, each in proportion to its share among those that are left.
  private func draw(_ blocks: [String], _ random: inout Philox) -> Set<String> {
    var left = Array(zip(blocks, probabilities(blocks)))
    var drawn = Set<String>()
    while drawn.count < min(blockCount, blocks.count) {
      let sum = left.reduce(0) { $0 + $1.1 }
      // Blocks without a share come last, all alike.
      let weights = left.map { sum > 0 ? $0.1 : 1 }
      var place = random.uniform() * weights.reduce(0, +)
      var index = 0
      while index < left.count - 1, place >= weights[index] || weights[index] == 0 {
        place -= weights[index]
        index += 1
      }
      drawn.insert(left.remove(at: index).0)
    }
    return drawn
  }

  /// Blocks in the order of their numbers.
  package static func blocks(_ parameters: [Parameter]) -> [String] {
    func number(_ block: String) -> Int { Int(block.split(separator: ".").last ?? "") ?? 0 }
    return Set(parameters.compactMap { LISA.block(of: $0.path) })
      .sorted { (number($0), $0) < (number($1), $1) }
  }

  /// Share of the entries of a matrix with |W_ij| times the length of input j above M times their mean.
  package static func outlierRatio(
    _ weight: Tensor, lengths: [Double], factor: Double
  ) -> Double {
    let columns = lengths.count
    let scores = weight.cast(to: .f64).elements(as: Double.self).enumerated()
      .map { abs($1) * lengths[$0 % columns] }
    let mean = scores.reduce(0, +) / Double(max(1, scores.count))
    return Double(scores.count { $0 > factor * mean }) / Double(max(1, scores.count))
  }

  /// Means over the matrices of each block; nil leaves a matrix out.
  private static func byBlock(
    _ parameters: [Parameter], _ value: (Parameter) -> Double?
  ) -> [String: Double] {
    var found: [String: [Double]] = [:]
    for parameter in parameters where parameter.shape.count == 2 {
      guard let block = LISA.block(of: parameter.path), let number = value(parameter) else {
        continue
      }
      found[block, default: []].append(number)
    }
    return found.mapValues { $0.reduce(0, +) / Double($0.count) }
  }

  /// max p − p, of shares with the sum 1.
  private static func reversed(_ ratios: [String: Double]) -> [String: Double] {
    let sum = max(ratios.values.reduce(0, +), .leastNonzeroMagnitude)
    let most = ratios.values.max() ?? 0
    return ratios.mapValues { (most - $0) / sum }
  }

  package var reachedCount: Int { inner.reachedCount }

  package var state: OptimizerState {
    get {
      var state = inner.state
      for (block, share) in shares.sorted(by: { $0.key < $1.key }) {
        state.tensors.append((Self.prefix + block, Tensor([Float(share)], shape: [1])))
      }
      return state
    }
    set {
      shares = [:]
      var rest = newValue
      rest.tensors = newValue.tensors.filter { !$0.name.hasPrefix(Self.prefix) }
      for (name, value) in newValue.tensors where name.hasPrefix(Self.prefix) {
        shares[String(name.dropFirst(Self.prefix.count))] =
          Double(value.elements(as: Float.self)[0])
      }
      inner.state = rest
    }
  }

  private static let prefix = "owlore.share."
}
