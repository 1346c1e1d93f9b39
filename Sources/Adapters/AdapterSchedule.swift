package import Layers
package import Recipes

/// What changes in an adapter while it is trained (`adapter.schedule`): masks, ranks, strengths.
package protocol AdapterSchedule: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// What is done around the optimizer's steps.
  ///
  /// - Throws: `AdapterError` for a method that the schedule is not defined for.
  func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook]
}

/// The schedules that recipes can name.
package let adapterSchedules = Registry<any AdapterSchedule.Type>(
  kind: "adapter schedule",
  [
    DyLoRA.self,
    MoSA.self,
    Refactorization.self,
    Strength.self,
  ])

/// A method whose values are made of hidden units: rows of a down map and columns of an up map.
package protocol HiddenUnits: AdapterMethod {
  /// The axis of a parameter along which its hidden units lie; nil for one that all units share.
  func hiddenAxis(of parameter: Parameter) -> Int?
}

extension LoRA: HiddenUnits {
  /// 0 for A `[r, in, ...]` and KaSA's diagonal `[r]`, 1 for B `[out, r, ...]`.
  package func hiddenAxis(of parameter: Parameter) -> Int? {
    if parameter.path.hasSuffix(".lora_A.weight") || parameter.path.hasSuffix(".lora_diag") {
      return 0
    }
    return parameter.path.hasSuffix(".lora_B.weight") ? 1 : nil
  }
}

extension BottleneckMethod {
  /// 0 for D `[h, width]` and d `[h]`, 1 for U `[width, h]`.
  package func hiddenAxis(of parameter: Parameter) -> Int? {
    if parameter.path.contains(".\(bottleneck.names.down).") { return 0 }
    return parameter.path.hasSuffix(".\(bottleneck.names.up).weight") ? 1 : nil
  }
}
