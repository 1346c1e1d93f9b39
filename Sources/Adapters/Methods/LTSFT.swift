package import Layers
package import Recipes
import Tensors

/// Sparse fine-tuning of the entries that full training moves most (LT-SFT, arXiv 2110.07560, section 3):
/// ΔW is zero but for K entries over all targets.
///
/// Before step 0 the whole model is trained for `tune_steps` steps on training samples; the K entries of
/// largest |θ − θ₀| among all targets are chosen, K a share `density` of theirs, and everything is brought
/// back to θ₀. The run then trains these entries alone: `sft_values` `[n]`, zero at first, `sft_indices` i32
/// `[n]`, their numbers in row-major order; a target's rank is its n, and one without entries is left out.
/// Differences of several tasks add up as adapters of one list.
///
/// The first phase is a short one with Adam at a fixed rate, where the paper trains to the end; its pull
/// towards θ₀ (an L1 term) is left out. Without samples, a model that is only looked at, every target has
/// its share.
package struct LTSFT: RecordsOptions {
  package static let name = "lt-sft"
  package static let summary = "trained entries of weights that full training moves most (LT-SFT)"
  package static let options: OptionTable = [
    Option(
      "density", .number, default: 0.01, range: .within(0.0...1),
      "Share of all targets' entries that is trained."),
    Option(
      "tune_steps", .integer, default: 100, range: .atLeast(1),
      "Steps of the full training that chooses the entries."),
    Option(
      "tune_lr", .number, default: 1e-4, range: .above(0), "Learning rate of that training."),
  ]
  package static let peftType = "LT_SFT"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart,
  ]

  package let reader: OptionReader
  private let choice: LargestMoves

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    choice = LargestMoves(
      density: options.number("density"), steps: options.int("tune_steps"),
      rate: options.number("tune_lr"))
  }

  package var ownInitialization: (any AdapterInitialization)? { choice }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    let count = trainableCount(for: target)
    let places = (target.places ?? Array(0..<count)).map { Int32($0) }
    return SparseDelta(
      values: target.parameter("sft_values", [count], .zeros),
      indices: target.buffer("sft_indices", Tensor(places, shape: [count])))
  }

  /// The target's entries.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.stored["sft_values"]?.first ?? target.places?.count ?? target.rank
  }
}

/// Entries that a short full training moves most, over all targets.
private struct LargestMoves: AdapterInitialization {
  static let name = "largest-moves"
  static let summary = "entries that a short full training moves most"
  static let options: OptionTable = []
  static let needs = CalibrationNeed.data
  static let findsValues = true

  let density: Double
  let steps: Int
  let rate: Double

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    self.init(density: 0.01, steps: 100, rate: 1e-4)
  }

  init(density: Double, steps: Int, rate: Double) {
    (self.density, self.steps, self.rate) = (density, steps, rate)
  }

  func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    func share(_ entries: Int) -> Int { max(1, Int((Double(entries) * density).rounded())) }
    let sizes = targets.map { $0.rows.count * $0.inputs }
    guard let probe = plan.probe else { return zip(targets, sizes).map { $0.ranked(share($1)) } }
    let before = targets.map { $0.layer.weight.detached().copied() }
    let moves = try probe.tuned(steps: steps, learningRate: rate, targets.map(\.site.weight)) {
      tuned in
      zip(targets, zip(tuned, before)).map { target, values in
        let now = values.0.reshaped(to: [target.site.outputs, target.inputs])
          .sliced(axis: 0, target.rows)
        return (now - values.1).reshaped(to: [target.rows.count * target.inputs])
      }
    }
    let chosen = SparsePositions.largest(
      Tensor.concatenated(moves, axis: 0), count: share(sizes.reduce(0, +)))
    var next = 0
    var start = 0
    return zip(targets, sizes).map { target, size in
      var places: [Int] = []
      while next < chosen.count, chosen[next] < start + size {
        places.append(chosen[next] - start)
        next += 1
      }
      start += size
      var found = target.ranked(places.count)
      found.places = places
      return found
    }
  }
}
