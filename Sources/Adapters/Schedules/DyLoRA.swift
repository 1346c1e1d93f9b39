package import Layers
package import Recipes
import Synchronization
import Tensors

/// Training at all ranks at once (DyLoRA, arXiv 2210.07558, section 3): every step draws one rank b of
/// 1..r and runs with the first b rows of A and columns of B, scaled by α/b.
///
/// Afterwards any leading part of the pair serves by itself. The scale is put on the factors, each times
/// √(r/b), as in the authors' program. With `frozen` only row and column b are updated, those before
/// count as given. One rank is drawn for all modules.
package struct DyLoRA: AdapterSchedule {
  package static let name = "dylora"
  package static let summary = "every step trains the pair cut to a drawn rank"
  package static let options: OptionTable = [
    Option(
      "frozen", .boolean, default: false, "Update the last of the drawn rank's units alone.")
  ]

  private let isFrozen: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    isFrozen = options.bool("frozen")
  }

  package func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook] {
    guard let method = adapter.method as? LoRA, method.form == .pair || method.form == .bias else {
      throw .unsupported(
        module: "adapter.schedule", method: Self.name,
        reason: "it cuts the pairs of method lora without use_dora and use_kasa. Choose that")
    }
    let pairs = adapter.modules.compactMap { module in
      module.change.parameters.compactMap { parameter in
        method.hiddenAxis(of: parameter).map { (parameter: parameter, axis: $0) }
      }
    }
    if let target = adapter.modules.map(\.target).first(where: { $0.site.groupCount > 1 }) {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "ranks of a convolution in groups cannot be cut. Leave it out of target_modules")
    }
    return [DyLoRAHook(pairs: pairs, isFrozen: isFrozen, seed: adapter.seed)]
  }
}

/// Sets units beyond the drawn rank to zero for a pass.
private struct DyLoRAHook: TrainingHook {
  let pairs: [[(parameter: Parameter, axis: Int)]]
  let isFrozen: Bool
  let seed: UInt64
  private let cut = CutStep()

  init(pairs: [[(parameter: Parameter, axis: Int)]], isFrozen: Bool, seed: UInt64) {
    (self.pairs, self.isFrozen, self.seed) = (pairs, isFrozen, seed)
  }

  func begin(step: Int, of total: Int) {
    var stream = Philox(seed: seed, purpose: .schedule, step: step, index: 0)
    let largest = pairs.compactMap { $0.first.map { $0.parameter.shape[$0.axis] } }.max() ?? 1
    let drawn = stream.below(largest) + 1
    var values: [CutStep.Value] = []
    for (parameter, axis) in pairs.flatMap({ $0 }) {
      let rank = parameter.shape[axis]
      let part = min(drawn, rank)
      let factor = Float((Double(rank) / Double(part)).squareRoot())
      let first = isFrozen ? part - 1 : 0
      func spread(_ unit: (Int) -> Float) -> Tensor {
        let inner = parameter.shape[(axis + 1)...].reduce(1, *)
        return Tensor(
          (0..<parameter.elementCount).map { unit($0 / inner % rank) }, shape: parameter.shape)
      }
      values.append(
        CutStep.Value(
          parameter: parameter, whole: parameter.value,
          updated: spread { (first..<part).contains($0) ? 1 : 0 }, factor: factor))
      parameter.value = parameter.value * spread { $0 < part ? factor : 0 }
    }
    let made = values
    cut.values.withLock { $0 = made }
  }

  /// The optimizer sees values and gradients without the factor.
  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    for value in cut.values.withLock({ $0 }) {
      value.parameter.value = value.whole * value.updated
      guard let gradient = gradients[value.parameter.leaf] else { continue }
      gradients[value.parameter.leaf] =
        (gradient * value.updated).scaled(by: Double(value.factor))
    }
  }

  func end(step: Int, of total: Int) {
    let values = cut.values.withLock { values in
      defer { values = [] }
      return values
    }
    for value in values {
      let others = Tensor(filledWith: 1, shape: value.updated.shape) - value.updated
      value.parameter.value = value.parameter.value * value.updated + value.whole * others
    }
  }
}

/// What a step cut.
private final class CutStep: Sendable {
  struct Value: Sendable {
    let parameter: Parameter
    /// Before the step.
    let whole: Tensor
    /// 1 for units that the step updates, 0 for others, in the parameter's shape.
    let updated: Tensor
    let factor: Float
  }

  let values = Mutex<[Value]>([])
}
