import Adapters
import Datasets
import Foundation
import Launch
import Layers
import Recipes
import Tensors
import Training

/// What the first rank tells the others before a run begins.
enum RankStart: Codable {
  /// A checkpoint to go on from, if any, and the ranks whose batches the run has.
  case run(checkpoint: String?, ranks: Int)
  /// There is nothing to run, or the first rank has said why not.
  case nothing
}

/// What ended a run on ranks that have nothing to say about it themselves.
struct RankRefusal: ExitCoded, CustomStringConvertible {
  let exitCode: ExitCode
  let description: String
}

extension Communicator {
  /// Does on every rank what may be refused; if any rank refuses, all do, and the first tells why.
  func agreed<Value>(_ body: () throws -> Value) throws -> Value {
    guard count > 1 else { return try body() }
    let own = Result { try body() }
    var writer = ByteWriter()
    if case .failure(let error) = own {
      writer.append((programExitCode(of: error) ?? .internalError).rawValue)
      writer.append("\(error)")
    }
    let all = try gather(writer.bytes)
    guard let failed = all.firstIndex(where: { !$0.isEmpty }) else { return try own.get() }
    var reader = ByteReader(all[failed])
    let code = ExitCode(rawValue: reader.value(Int32.self)) ?? .internalError
    let text = reader.text()
    throw RankRefusal(
      exitCode: code, description: failed == 0 ? text : "rank \(failed): \(text)")
  }

  /// A value of the first rank, on all of them.
  func shared<Value: Codable>(_ value: Value?) throws -> Value {
    let bytes = try value.map { try JSONEncoder().encode($0) }.map { Array($0) } ?? []
    return try JSONDecoder().decode(Value.self, from: Data(try gather(isFirst ? bytes : [])[0]))
  }

  /// Refuses ranks that do not see the same recipe, data and weights.
  func requireSame(_ digest: String) throws {
    guard count > 1 else { return }
    let all = try gather(Array(digest.utf8)).map { String(decoding: $0, as: UTF8.self) }
    guard let other = all.firstIndex(where: { $0 != all[0] }) else { return }
    throw RankRefusal(
      exitCode: .malformedData,
      description:
        "rank \(other) sees another recipe, other data or other weights than rank 0 (digest "
        + "\(all[other].prefix(16)), expected \(all[0].prefix(16))). All ranks must read the same "
        + "files")
  }

  /// Gives all ranks the first one's values where any of them differ: machines may round differently.
  func equalize(_ parameters: [Parameter]) throws {
    guard count > 1 else { return }
    let digest = parameterDigest(parameters)
    let all = try gather(Array(digest.utf8))
    guard all.contains(where: { $0 != all[0] }) else { return }
    for parameter in parameters {
      let value = parameter.value
      let bytes = [UInt8](UnsafeRawBufferPointer(start: value.pointer, count: value.byteCount))
      let first = try gather(isFirst ? bytes : [])[0]
      first.withUnsafeBytes { first in
        guard let base = first.baseAddress else { return }
        UnsafeMutableRawPointer(mutating: value.pointer).copyMemory(
          from: base, byteCount: value.byteCount)
      }
    }
  }
}

/// SHA-256 over paths and values.
func parameterDigest(_ parameters: [Parameter]) -> String {
  SHA256Digest.of(
    parameters.map { parameter in
      let value = parameter.value
      let bytes = Data(bytes: value.pointer, count: value.byteCount)
      return "\(parameter.path) \(SHA256Digest.of(bytes))"
    }.joined(separator: "\n"))
}

extension RunSession {
  /// Ranks whose batches the recipe describes; nil where it leaves that to whoever starts the run.
  var recipeRanks: Int? {
    let section = recipe.distributed
    let ranks = section.nodes * section.ranksPerNode
    return ranks > 1 || section.backend == .mpi ? ranks : nil
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
