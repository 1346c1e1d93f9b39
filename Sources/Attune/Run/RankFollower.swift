import Adapters
import Datasets
import Layers
import Recipes
import Tensors
import Training

/// A run on a rank that is not the first: it trains and evaluates its part, and writes nothing.
func followRun(
  _ session: RunSession, shouldStop: @escaping () -> Bool
) throws -> TrainResult {
  let ranks = session.team.ranks
  var session = session
  let directory = session.directory
  guard case .run(let checkpoint, let count) = try ranks.shared(RankStart?.none) else {
    return TrainResult(directory: directory, exitCode: .done)
  }
  try session.share(batchesOf: count)
  let resumed = try checkpoint.map { try LoadedState($0, digest: session.digest) }
  let parameters = session.model.state
  var trainer = try session.trainer(resuming: resumed)
  try resumed?.restore(parameters)
  for buffer in session.model.adapted.buffers { _ = buffer.value }
  try ranks.equalize(parameters)
  var observers = Trainer.Observers()
  observers.shouldStop = shouldStop
  let batches = session.batchesAhead(nil)
  defer { batches.stop() }
  let fixed = session
  let outcome = try trainer.run(
    batches: { try batches($0) }, evaluate: { _ in try fixed.validation() },
    observers: observers)
  guard outcome == .finished else { return TrainResult(directory: directory, exitCode: .done) }
  let folder: String = try ranks.shared(String?.none)
  if !folder.isEmpty { try LoadedState(folder, digest: session.digest).restore(parameters) }
  _ = try session.evaluate(
    part: session.recipe.evaluation.split, checkpoint: "", step: trainer.state.step)
  return TrainResult(directory: directory, exitCode: .done)
}
