package import Layers
package import Recipes
import Tensors

/// Mixture of sparse adapters, split and merged (arXiv 2312.02923; from the abstract, so that the split
/// is a decision of this project).
///
/// The h hidden units of each pair D `[h, in]`, U `[out, h]` are parted at random into S groups of
/// nearly equal size. Every step draws one group per pair; the pass and the update see its rows of D
/// and columns of U alone, the others count as zero and keep their values. At the end all groups stand
/// together, without rescaling: nothing is added to storage or inference. The first share `dense` of
/// the units, in a random order, takes part in every step.
package struct MoSA: AdapterSchedule {
  package static let name = "mosa"
  package static let summary = "every step trains one of several groups of hidden units"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option("splits", .integer, default: 4, range: .atLeast(2), "Groups S of hidden units."),
    Option(
      "dense", .number, default: 0, range: .within(0..<1),
      "Share of the units that takes part in every step."),
  ]

  private let splits: Int
  private let dense: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    splits = max(2, options.int("splits"))
    dense = options.number("dense")
  }

  package func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook] {
    guard let method = adapter.method as? any HiddenUnits else {
      throw .unsupported(
        module: "adapter.schedule", method: Self.name,
        reason:
          "\(adapter.settings.method) has no hidden units to part. Use it with lora, houlsby, "
          + "pfeiffer, parallel or adaptformer")
    }
    let pairs = HiddenPair.all(of: adapter, method)
    if let pair = pairs.first(where: { $0.hidden < splits }) {
      throw .unsupported(
        module: parent(of: pair.parameters[0].parameter.path), method: Self.name,
        reason: "\(pair.hidden) hidden units cannot be parted into \(splits) groups. Lower "
          + "adapter.schedule.splits, or raise the rank or width")
    }
    return [MoSAHook(pairs: pairs, splits: splits, dense: dense, seed: adapter.seed)]
  }
}

/// Sets units outside the drawn group to zero for a step, and gives them their values back.
private struct MoSAHook: TrainingHook {
  private let pairs: [HiddenPair]
  private let splits: Int
  private let seed: UInt64
  /// Group of every hidden unit by pair; -1 for those of every step.
  private let groups: [[Int]]
  private let shown = HiddenStep()

  init(pairs: [HiddenPair], splits: Int, dense: Double, seed: UInt64) {
    (self.pairs, self.splits, self.seed) = (pairs, splits, seed)
    groups = pairs.enumerated().map { index, pair in
      var order = Array(0..<pair.hidden)
      var stream = Philox(seed: seed, purpose: .schedule, step: 0, index: index)
      order.shuffle(using: &stream)
      let always = Int((dense * Double(pair.hidden)).rounded(.down))
      var groups = [Int](repeating: -1, count: pair.hidden)
      for (place, unit) in order.dropFirst(always).enumerated() { groups[unit] = place % splits }
      return groups
    }
  }

  func begin(step: Int, of total: Int) {
    for (index, pair) in pairs.enumerated() {
      var stream = Philox(seed: seed, purpose: .schedule, step: step + 1, index: index)
      let chosen = stream.below(splits)
      shown.begin(
        pair,
        groups[index].map { group in
          let takesPart = group < 0 || group == chosen
          return HiddenStep.Unit(shown: takesPart ? 1 : 0, isUpdated: takesPart)
        })
    }
  }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    shown.change(&gradients)
  }

  func end(step: Int, of total: Int) { shown.end() }
}
