package import Layers
package import Recipes
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
    if let target = adapter.modules.map(\.target).first(where: { $0.site.groupCount > 1 }) {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason: "ranks of a convolution in groups cannot be cut. Leave it out of target_modules")
    }
    return [
      DyLoRAHook(pairs: HiddenPair.all(of: adapter, method), isFrozen: isFrozen, seed: adapter.seed)
    ]
  }
}

/// Sets units beyond the drawn rank to zero for a pass.
private struct DyLoRAHook: TrainingHook {
  private let pairs: [HiddenPair]
  private let isFrozen: Bool
  private let seed: UInt64
  private let cut = HiddenStep()

  init(pairs: [HiddenPair], isFrozen: Bool, seed: UInt64) {
    (self.pairs, self.isFrozen, self.seed) = (pairs, isFrozen, seed)
  }

  func begin(step: Int, of total: Int) {
    var stream = Philox(seed: seed, purpose: .schedule, step: step, index: 0)
    let drawn = stream.below(pairs.map(\.hidden).max() ?? 1) + 1
    for pair in pairs {
      let part = min(drawn, pair.hidden)
      let factor = Float((Double(pair.hidden) / Double(part)).squareRoot())
      let first = isFrozen ? part - 1 : 0
      cut.begin(
        pair,
        (0..<pair.hidden).map { unit in
          HiddenStep.Unit(
            shown: unit < part ? factor : 0, isUpdated: unit >= first && unit < part)
        })
    }
  }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    cut.change(&gradients)
  }

  func end(step: Int, of total: Int) { cut.end() }
}
