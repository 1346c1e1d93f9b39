import Foundation
package import Layers
package import Recipes
import Tensors

/// A strength of the update that falls along a cosine and starts again (LoLA-SpecViT, arXiv 2506.17759,
/// claims one; its formula could not be read, so that this one is a decision of this project).
///
/// In step t the update counts f(t) = f_min + (1 − f_min) (1 + cos(π T / T_i)) / 2 times, T the steps since the
/// last restart and T_i the length of the period, which begins at `t_0` and grows by `t_mult` with every
/// restart. After training the update counts in full: f belongs to the steps, not to the adapter.
package struct Strength: AdapterSchedule {
  package static let name = "strength"
  package static let summary = "the update's strength falls along a cosine and starts again"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option("t_0", .integer, default: 10, range: .atLeast(1), "Steps of the first period."),
    Option(
      "t_mult", .integer, default: 2, range: .atLeast(1), "Factor on the period with each restart."),
    Option(
      "f_min", .number, default: 0.1, range: .within(0..<1), "Strength at the end of a period."),
  ]

  private let period: Int
  private let growth: Int
  private let least: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    period = max(1, options.int("t_0"))
    growth = max(1, options.int("t_mult"))
    least = options.number("f_min")
  }

  /// f of a step, counted from 0.
  package func factor(step: Int) -> Double {
    var (left, length) = (step, period)
    while left >= length { (left, length) = (left - length, length * growth) }
    return least + (1 - least) * (1 + cos(.pi * Double(left) / Double(length))) / 2
  }

  package func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook] {
    let names = [LoRA.name: ".lora_B.weight", GatedLoRA.name: ".lora_up.weight"]
    let isWhole = (adapter.method as? LoRA).map { $0.form == .pair } ?? true
    guard let name = names[adapter.settings.method], isWhole else {
      throw .unsupported(
        module: "adapter.schedule", method: Self.name,
        reason:
          "it weighs the up matrices of gated-lora, and of lora without lora_bias, use_dora and "
          + "use_kasa. Choose one of them")
    }
    let moved = adapter.modules.first { ($0.change as? LoRADelta)?.offset != nil }
    if let moved {
      throw .unsupported(
        module: moved.target.site.path, method: Self.name,
        reason:
          "the init took a part of the weight over, which a strength below 1 would take away. "
          + "Leave one of them out")
    }
    let ups = adapter.parameters.filter { $0.path.hasSuffix(name) }
    return [StrengthHook(schedule: self, ups: ups)]
  }
}

/// Shows up matrices f times as large for a pass.
private struct StrengthHook: TrainingHook {
  let schedule: Strength
  let ups: [Parameter]
  private let shown = HiddenStep()

  init(schedule: Strength, ups: [Parameter]) { (self.schedule, self.ups) = (schedule, ups) }

  func begin(step: Int, of total: Int) {
    let factor = Float(schedule.factor(step: step))
    for parameter in ups { shown.begin(parameter, shown: factor) }
  }

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    shown.change(&gradients)
  }

  func end(step: Int, of total: Int) { shown.end() }
}
