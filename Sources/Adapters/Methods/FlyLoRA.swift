package import Layers
package import Recipes
import Synchronization
import Tensors

/// LoRA with a frozen sparse projection that also chooses the ranks of a token (FlyLoRA, arXiv
/// 2510.08396, section 3): y = W x + b + (α/r) B (u ∘ 1_I), u = A x, I the k largest of |u + d|.
///
/// A `[r, in]` is frozen: each row has ⌊ρ in⌋ entries, normal with deviation 1/r, at drawn places. B
/// `[out, r]` is trained and zero at first. The routing bias d `[r]` gets no gradient: after a step it
/// moves by `bias_lr` up where a rank was active for less than its share k/r of the step's tokens, down
/// where for more. The reference's program moves it in every forward pass instead, also in several of one
/// step. The active ranks depend on the token, so that no weight can stand for the adapter.
package struct FlyLoRA: RecordsOptions {
  package static let name = "flylora"
  package static let summary = "LoRA whose frozen sparse projection routes tokens (FlyLoRA)"
  package static let options: OptionTable = [
    .rank(32),
    .alpha(.described("2 r")),
    Option("k", .integer, default: 8, range: .atLeast(1), "Active ranks of a token, at most r."),
    Option(
      "sparsity", .number, default: .described("k / r"), range: .above(0),
      "Part of the entries of a row of A that are not zero, at most 1."),
    Option(
      "bias_lr", .number, default: 1e-3, range: .atLeast(0), "Step of the routing bias."),
  ]
  package static let peftType = "FLYLORA"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .zeroStart]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let active: Int
  private let sparsity: Double?
  private let rate: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    let rank = max(1, options.int("r"))
    lowRank = LowRank(rank: rank, alpha: options.optionalNumber("alpha") ?? Double(2 * rank))
    active = options.int("k")
    sparsity = options.optionalNumber("sparsity")
    rate = options.number("bias_lr")
    if active > rank {
      diagnostics.error(
        .rule("k \(active) is above r \(rank)", mend: "lower k"), at: options.location,
        path: options.path)
    }
    if let sparsity, sparsity > 1 {
      diagnostics.error(
        .rule("sparsity \(sparsity) is above 1", mend: "give a part of a row"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rank, inputs) = (target.rank, target.inputs)
    guard active <= rank else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "rank \(rank) is below k \(active). Lower k, or set adapter.rank_pattern")
    }
    let part = sparsity ?? Double(active) / Double(rank)
    let count = max(1, Int(Double(inputs) * part))
    var generator = TorchGenerator(
      seed: Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: "flylora")))
    var values = [Float](repeating: 0, count: rank * inputs)
    for row in 0..<rank {
      let places = generator.permutation(of: inputs, first: count)
      for (place, number) in zip(places, generator.normal(count)) {
        values[row * inputs + place] = number / Float(rank)
      }
    }
    return FlyLoRADelta(
      down: target.buffer("flylora.A", Tensor(values, shape: [rank, inputs])),
      up: target.parameter("flylora.B", [target.rows.count, rank], .zeros),
      bias: target.buffer("flylora.d", Tensor(zeros: [rank])), active: active,
      scaling: target.scaling)
  }

  /// r out.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * target.rows.count
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    let deltas = adapter.modules.compactMap { $0.change as? FlyLoRADelta }
    return deltas.isEmpty || rate == 0 ? [] : [RoutingBalance(deltas: deltas, rate: rate)]
  }
}

private struct FlyLoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let bias: Parameter
  let active: Int
  let scaling: Double
  let usage = RankUsage()

  var parameters: [Parameter] { [up] }
  var buffers: [Parameter] { [down, bias] }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let a = down.value.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let hidden = linear(x, weight: a)
    let chosen = mask(hidden)
    if context.isTraining, !context.isRecomputing { usage.add(chosen, ranks: down.shape[0]) }
    let routed = hidden * Tensor(chosen, shape: hidden.shape).cast(to: hidden.dtype)
    return linear(routed.scaled(by: scaling), weight: up().sliced(axis: 0, 0..<outputs))
  }

  func delta(_ layer: SiteRows) throws(UnmergeableDelta) -> Tensor {
    throw UnmergeableDelta(
      "the active ranks depend on the token, so that no weight can stand for them. Keep the adapter "
        + "beside the model")
  }

  /// 1 for the active ranks of each token, the first of equals.
  private func mask(_ hidden: Tensor) -> [Float] {
    let rank = down.shape[0]
    let shift = bias.value.cast(to: .f64).elements(as: Double.self)
    let values = hidden.detached().cast(to: .f64).elements(as: Double.self)
    var mask = [Float](repeating: 0, count: values.count)
    for start in stride(from: 0, to: values.count, by: rank) {
      let sizes = (0..<rank).map { abs(values[start + $0] + shift[$0]) }
      let order = (0..<rank).sorted { (sizes[$0], $1) > (sizes[$1], $0) }
      for index in order.prefix(active) { mask[start + index] = 1 }
    }
    return mask
  }
}

/// How often each rank was active since it was asked last.
private final class RankUsage: Sendable {
  private let counts = Mutex<(ranks: [Int], tokens: Int)>(([], 0))

  func add(_ mask: [Float], ranks: Int) {
    var sums = [Int](repeating: 0, count: ranks)
    for (index, value) in mask.enumerated() where value > 0 { sums[index % ranks] += 1 }
    counts.withLock { counts in
      if counts.ranks.isEmpty { counts.ranks = [Int](repeating: 0, count: ranks) }
      for index in 0..<ranks { counts.ranks[index] += sums[index] }
      counts.tokens += mask.count / ranks
    }
  }

  /// Frequencies of the ranks; nil where no token came by.
  func take() -> [Double]? {
    counts.withLock { counts in
      defer { counts = ([], 0) }
      guard counts.tokens > 0 else { return nil }
      return counts.ranks.map { Double($0) / Double(counts.tokens) }
    }
  }
}

/// Moves routing biases against the load of their ranks.
private struct RoutingBalance: TrainingHook {
  let deltas: [FlyLoRADelta]
  let rate: Double

  func begin(step: Int, of total: Int) {
    for delta in deltas { _ = delta.usage.take() }
  }

  func end(step: Int, of total: Int) {
    for delta in deltas {
      guard let used = delta.usage.take() else { continue }
      let share = Double(delta.active) / Double(used.count)
      let moves = used.map { $0 < share ? rate : $0 > share ? -rate : 0 }
      delta.bias.value =
        delta.bias.value + Tensor(moves, shape: [used.count]).cast(to: delta.bias.value.dtype)
    }
  }
}
