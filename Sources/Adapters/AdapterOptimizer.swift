package import Layers
package import Recipes

/// How the update of an adapter departs from the run's optimizer (`adapter.optimizer`): changed gradients
/// before the update, or changed values after it.
package protocol AdapterOptimizer: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// What is done around the optimizer's steps, after the schedule's hooks.
  ///
  /// - Throws: `AdapterError` for a method or settings that the rule is not defined for.
  func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook]
}

/// The rules that recipes can name.
package let adapterOptimizers = Registry<any AdapterOptimizer.Type>(
  kind: "adapter optimizer",
  [
    ALLoRA.self
  ])
