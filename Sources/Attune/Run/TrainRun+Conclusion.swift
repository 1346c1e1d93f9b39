import Adapters
import Checkpoints
import Datasets
import Foundation
import Formats
import Layers
import Recipes
import Reports
import Tensors
import Training

extension TrainRun {
  /// Best or last weights, adapter files, final evaluation, record, report.
  ///
  /// `reached` counts trained values that ever had a gradient other than zero.
  func conclude(
    _ state: TrainerState, reached: Int?, _ parameters: [Parameter],
    federated: RunRecord.Federated? = nil
  ) throws -> RunRecord {
    let wanted = session.recipe.evaluation.checkpoint
    let folder = checkpoints.linked(wanted == .best ? "best" : "last")
    let _: String = try session.team.ranks.shared(folder ?? "")
    if let folder { try LoadedState(folder, digest: session.digest).restore(parameters) }
    let isBest = wanted == .best && folder != nil
    let step = isBest ? state.bestStep ?? state.step : state.step
    if federated != nil, !session.model.movedBase.isEmpty {
      try saveSumOfRounds(federated?.rounds.count { $0.lastStep <= step } ?? 0)
    } else {
      try saveAdapters()
    }
    let evaluated = try session.evaluate(
      part: session.recipe.evaluation.split, checkpoint: isBest ? "best" : "last", step: step)
    var record = try RunRecord(
      session, request: request, status: status, adapterFolder: directory.file("adapter"),
      trainSeconds: state.trainSeconds, steps: state.step,
      wallSeconds: (ContinuousClock.now - start) / .seconds(1))
    record.model.reachedParameters = reached
    record.federated = federated
    let (updates, left) =
      session.model.movedBase.isEmpty ? weightUpdates(of: session.model.adapted) : ([], 0)
    if !updates.isEmpty { (record.model.updates, record.model.updatesLeft) = (updates, left) }
    record.evaluations = evaluated.map { [$0.record] } ?? []
    record.samples = evaluated?.samples ?? []
    record.notes += rankNotes
    if evaluated == nil { record.notes.append("No test part: nothing was evaluated.") }
    try directory.write(json: record, to: "record.json")
    try writeReport(
      for: RunDocument(directory: directory.path), to: directory.file("report"))
    try appendResult(record)
    return record
  }

  /// How many processes took part, and what a batch was then: the recipe gives one rank's.
  private var rankNotes: [String] {
    let count = session.team.ranks.count
    guard status.ranks != nil || count > 1 else { return [] }
    return [
      "Batches of \(session.data.loader.batchSize) samples, data.batch_size for each of "
        + "\(status.ranks ?? 1) ranks, shared by \(count) "
        + (count == 1 ? "process." : "processes.")
    ]
  }

  private func saveAdapters() throws {
    let adapters = session.model.adapted.adapters
    let base = session.model.weights
    let baseDigest =
      base?.digest ?? randomDigest(seed: session.recipe.seed)
    let withFiles = adapters.filter { $0.method != nil }
    for adapter in withFiles {
      let folder = withFiles.count == 1 ? "adapter" : "adapter/\(adapter.settings.name)"
      if withFiles.count > 1 { try directory.makeFolder("adapter") }
      try adapter.save(
        to: directory.file(folder), base: base?.path, baseDigest: baseDigest,
        on: session.model.tree)
    }
    guard withFiles.isEmpty else { return }
    try saveModel(to: directory.file("merged/model.safetensors"))
  }

  /// The whole model under the reference's keys.
  private func saveModel(to path: String) throws {
    try directory.makeFolder("merged")
    let layout = session.model.network.layouts[0]
    try writeSafetensors(
      session.model.adapted.mergedWeights().map {
        (layout.key(of: $0.path), $0.value)
      }, to: path)
  }

  /// One line per finished run beside the run folders.
  private func appendResult(_ record: RunRecord) throws {
    let path = "\(session.recipe.output.directory)/\(session.recipe.name)/results.csv"
    let header =
      "method,model,dataset,seed,metric,value,ci_lower,ci_upper,n,trainable_parameters,seconds,"
      + "peak_memory,experimental\n"
    guard let evaluation = record.evaluations.first,
      let metric = evaluation.metrics.first(where: { $0.name == evaluation.headline })
    else { return }
    let method = record.model.adapters.first?.method ?? "none"
    let fields: [String] = [
      method, record.model.backbone, record.data.format, "\(record.seed)", metric.name,
      "\(metric.value)", metric.ciLower.map { "\($0)" } ?? "",
      metric.ciUpper.map { "\($0)" } ?? "", "\(metric.count)",
      "\(record.model.trainableParameters)", "\(record.wallSeconds)",
      "\(record.peakMemoryBytes)", "\(record.experimental)",
    ]
    try appendLine(fields.joined(separator: ","), header: header, to: path)
  }
}

/// Adds a line by one write, so that runs of one name may end at the same time.
private func appendLine(_ line: String, header: String, to path: String) throws {
  let fresh = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
  let descriptor = fresh >= 0 ? fresh : open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw FormatError.cannotCreate(path: path, reason: String(cString: strerror(errno)))
  }
  defer { close(descriptor) }
  let bytes = Array(((fresh >= 0 ? header : "") + line + "\n").utf8)
  guard write(descriptor, bytes, bytes.count) == bytes.count else {
    throw FormatError.writeFailed(path: path, reason: String(cString: strerror(errno)))
  }
}
