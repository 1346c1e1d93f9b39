package import Layers
package import Recipes

/// How the update of an adapter departs from the run's optimizer (`adapter.optimizer`): changed gradients
/// before the update, or changed values after it.
package protocol AdapterOptimizer: RegistryEntry, Sendable {
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// What the rule remembers from step to step: in checkpoints of a run, not in the adapter's file.
  func state(_ modules: [(target: AdapterTarget, change: any SiteChange)]) -> [Parameter]

  /// How the update of a parameter departs from the optimizer's settings, by the method's policy.
  func policy(_ policy: UpdatePolicy, of parameter: Parameter) -> UpdatePolicy

  /// What is done around the optimizer's steps, after the schedule's hooks.
  ///
  /// - Throws: `AdapterError` for a method or settings that the rule is not defined for.
  func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook]
}

extension AdapterOptimizer {
  package func state(
    _ modules: [(target: AdapterTarget, change: any SiteChange)]
  ) -> [Parameter] { [] }
  package func policy(_ policy: UpdatePolicy, of parameter: Parameter) -> UpdatePolicy { policy }
}

/// The rules that recipes can name.
package let adapterOptimizers = Registry<any AdapterOptimizer.Type>(
  kind: "adapter optimizer",
  [
    ALLoRA.self,
    LoRAPro.self,
  ])
