package import Adapters
package import Backbones
package import Datasets
package import Recipes
package import Tasks
package import Training

/// Everything that recipes can name, as one immutable value.
package struct Registries: Sendable {
  package var backbones: Registry<any Backbone.Type>
  package var adapterMethods: Registry<any AdapterMethod.Type>
  package var adapterInitializations: Registry<any AdapterInitialization.Type>
  package var adapterSchedules: Registry<any AdapterSchedule.Type>
  package var adapterOptimizers: Registry<any AdapterOptimizer.Type>
  package var federatedAggregations: Registry<any FederatedAggregation.Type>
  package var dataFormats: Registry<any DataFormat.Type>
  package var tasks: Registry<any LearningTask.Type>
  package var losses: Registry<any Loss.Type>
  package var optimizers: Registry<any Optimizer.Type>
  package var schedulers: Registry<any Scheduler.Type>

  /// What the program ships.
  package static let standard = Registries(
    backbones: Backbones.backbones, adapterMethods: Adapters.adapterMethods,
    adapterInitializations: Adapters.adapterInitializations,
    adapterSchedules: Adapters.adapterSchedules, adapterOptimizers: Adapters.adapterOptimizers,
    federatedAggregations: Adapters.federatedAggregations,
    dataFormats: Datasets.dataFormats, tasks: Tasks.tasks, losses: Tasks.losses,
    optimizers: Training.optimizers, schedulers: Training.schedulers)
}
