import Adapters
import Datasets
import Layers
import Recipes
import Tensors
import Training

/// What a dry run found: all is open and fits, nothing was written.
package struct DryRun: Codable, Sendable {
  package var directory: String
  package var totalParameters: Int
  package var trainableParameters: Int
  package var steps: Int
  package var trainingSamples: Int
  /// Loss of the first batch.
  package var loss: Double
  /// Trained parameters that the first backward pass reached.
  package var parametersWithGradient: Int
  package var peakTensorBytes: Int

  package var text: String {
    """
    would write \(directory)
    \(trainableParameters) of \(totalParameters) parameters trained, \(steps) steps over \
    \(trainingSamples) samples
    first batch: loss \(loss), \(parametersWithGradient) tensors with a gradient, \
    \(peakTensorBytes / 1_000_000) MB of tensors
    """
  }
}

/// Resolves the recipe, opens data and weights, runs one forward and backward pass.
package func dryRunResult(_ request: TrainRequest) throws -> DryRun {
  let session = try RunSession(
    RunPlan(file: request.recipe, overrides: request.allChanges))
  let parameters = session.model.adapted.trainable
  guard !parameters.isEmpty else { throw TrainingError.nothingToTrain }
  _ = try session.frozenFeatures()
  try session.data.requireSound()
  let batch = try session.data.batch(0)
  let loss = session.task.loss(
    batch.fields, .training(seed: 0, step: 0, samples: 0..<batch.count))
  let gradients = loss.gradients()
  return DryRun(
    directory: session.directory.path, totalParameters: session.model.adapted.totalCount,
    trainableParameters: session.model.adapted.trainableCount, steps: try session.allSteps(),
    trainingSamples: session.data.loader.sources.reduce(0) { $0 + $1.samples.count },
    loss: loss.scalar,
    parametersWithGradient: parameters.count { gradients[$0.leaf] != nil },
    peakTensorBytes: Allocator.shared.statistics.peakBytesInUse)
}

/// The resolved recipe as YAML.
package func resolvedRecipe(_ request: TrainRequest) throws -> String {
  try RunPlan(file: request.recipe, overrides: request.allChanges)
    .resolved.yaml
}
