package import Layers
package import Recipes
import Synchronization
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
    let pairs =
      (adapter.modules.map { $0.change.parameters }
      + adapter.blocks.flatMap { $0.branches.map { $0.branch.parameters } })
      .compactMap { HiddenPair($0, method) }
    if let pair = pairs.first(where: { $0.hidden < splits }) {
      throw .unsupported(
        module: parent(of: pair.parameters[0].parameter.path), method: Self.name,
        reason: "\(pair.hidden) hidden units cannot be parted into \(splits) groups. Lower "
          + "adapter.schedule.splits, or raise the rank or width")
    }
    return [MoSAHook(pairs: pairs, splits: splits, dense: dense, seed: adapter.seed)]
  }
}

/// A down and an up map with their hidden units.
private struct HiddenPair: Sendable {
  let hidden: Int
  let parameters: [(parameter: Parameter, axis: Int)]

  /// Nil where no parameter has hidden units.
  init?(_ parameters: [Parameter], _ method: any HiddenUnits) {
    var found: [(parameter: Parameter, axis: Int)] = []
    for parameter in parameters {
      if let axis = method.hiddenAxis(of: parameter) { found.append((parameter, axis)) }
    }
    guard let first = found.first else { return nil }
    hidden = first.parameter.shape[first.axis]
    self.parameters = found
  }
}

/// Sets units outside the drawn group to zero for a step, and gives them their values back.
private struct MoSAHook: TrainingHook {
  private let pairs: [HiddenPair]
  private let splits: Int
  private let seed: UInt64
  /// Group of every hidden unit by pair; -1 for those of every step.
  private let groups: [[Int]]
  private let step = MaskedStep()

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
    var masked: [MaskedStep.Value] = []
    for (index, pair) in pairs.enumerated() {
      var stream = Philox(seed: seed, purpose: .schedule, step: step + 1, index: index)
      let chosen = stream.below(splits)
      let units = groups[index].map { $0 < 0 || $0 == chosen ? Float(1) : 0 }
      for (parameter, axis) in pair.parameters {
        let mask = Self.mask(units, axis: axis, parameter.shape)
        masked.append(MaskedStep.Value(parameter: parameter, whole: parameter.value, mask: mask))
        parameter.value = parameter.value * mask
      }
    }
    self.step.values.withLock { $0 = masked }
  }

  /// Values of hidden units at every element of a shape.
  private static func mask(_ units: [Float], axis: Int, _ shape: [Int]) -> Tensor {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let count = shape.reduce(1, *)
    return Tensor((0..<count).map { units[$0 / inner % units.count] }, shape: shape)
  }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    for value in self.step.values.withLock({ $0 }) {
      guard let gradient = gradients[value.parameter.leaf] else { continue }
      gradients[value.parameter.leaf] = gradient * value.mask
    }
  }

  func end(step: Int, of total: Int) {
    let masked = self.step.values.withLock { values in
      defer { values = [] }
      return values
    }
    for value in masked {
      let others = Tensor(filledWith: 1, shape: value.mask.shape) - value.mask
      value.parameter.value = value.parameter.value * value.mask + value.whole * others
    }
  }
}

/// What a step set to zero.
private final class MaskedStep: Sendable {
  struct Value: Sendable {
    let parameter: Parameter
    /// Before the step.
    let whole: Tensor
    /// 1 for hidden units of the step, 0 for others, in the parameter's shape.
    let mask: Tensor
  }

  let values = Mutex<[Value]>([])
}
