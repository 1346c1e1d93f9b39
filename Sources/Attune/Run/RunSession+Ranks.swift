import Recipes
import Tensors
import Training

extension RunSession {
  /// Ranks whose batches the recipe describes; nil where it leaves that to whoever starts the run.
  var recipeRanks: Int? {
    let ranks = recipe.distributed.nodes * recipe.distributed.ranksPerNode
    return ranks > 1 ? ranks : nil
  }

  /// Whether a run in the folder is this one, begun or done by as many ranks.
  ///
  /// An interrupted one goes on under any number of ranks with the batches that it began with.
  func isSame(_ status: RunDirectory.Status) -> Bool {
    guard status.digest == digest else { return false }
    return status.state != .finished || (status.ranks ?? 1) == recipeRanks ?? team.ranks.count
  }

  /// Refuses what ranks cannot do together.
  func checkRanks() throws(RunError) {
    guard team.ranks.count > 1 else { return }
    func refuse(_ field: String, _ value: String) -> RunError {
      .notOffered(
        field: field, value: "\(value) on \(team.ranks.count) ranks",
        instead: "Start one process, with more threads")
    }
    if plan.federated != nil { throw refuse("federated", "training in rounds") }
    if recipe.train.cachesFrozenFeatures {
      throw refuse("train.cache_frozen_features", "true")
    }
    if plan.optimizer.needsInputs { throw refuse("train.optimizer", recipe.train.optimizer.name) }
    if model.hasMixingAdapter { throw refuse("adapter", "a method that mixes samples") }
    if model.hasTrainedNorms || (movesStatistics && model.hasBatchNorms) {
      throw refuse("model", "batch norm in training, which needs the whole batch,")
    }
  }
}
