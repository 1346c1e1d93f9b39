import Adapters
import Datasets
import Foundation
import Launch
import Layers
import Recipes

extension RunRecord {
  /// What is known of a run apart from its evaluations.
  init(
    _ session: RunSession, request: TrainRequest, status: RunDirectory.Status,
    adapterFolder: String, trainSeconds: Double, steps: Int, wallSeconds: Double
  ) throws {
    let model = session.model
    self.init(
      name: session.recipe.name, digest: session.digest, seed: session.recipe.seed,
      task: session.recipe.task, recipe: session.plan.resolved.yaml, command: request.command,
      program: "attune \(programVersion)", environment: runEnvironment(threads: session.threads),
      startedAt: status.startedAt, finishedAt: timestamp(), wallSeconds: wallSeconds,
      trainSeconds: trainSeconds, peakMemoryBytes: peakResidentBytes(), steps: steps,
      model: Model(
        backbone: model.backboneName, options: model.options,
        totalParameters: model.adapted.totalCount,
        trainableParameters: model.adapted.trainableCount,
        adapters: model.adapted.adapters.map { Adapter($0, folder: adapterFolder) },
        weights: model.weights),
      data: try session.data.record(), evaluations: [])
    experimental =
      session.plan.model.isExperimental || session.plan.federated?.isExperimental ?? false
    notes += session.task.notes
  }
}

extension RunRecord.Adapter {
  fileprivate init(_ adapter: AttachedAdapter, folder: String) {
    let settings = adapter.settings
    var options: [String: String] = ["bias": settings.bias.rawValue]
    if let lowRank = adapter.method?.lowRank {
      options["r"] = "\(lowRank.rank)"
      options["alpha"] = lowRank.alpha.map { "\($0)" } ?? "r"
      options["dropout"] = "\(lowRank.dropout)"
      options["use_rslora"] = "\(lowRank.usesRankStabilizedScaling)"
    }
    let file = folder + "/adapter_model.safetensors"
    let bytes = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? NSNumber
    self.init(
      name: settings.name, method: settings.method, options: options,
      modules: adapter.modules.map(\.target.site.path).uniqued()
        + adapter.blocks.map(\.target.site.path),
      modulesToSave: adapter.saved.map(\.path),
      parameters: adapter.parameters.reduce(0) { $0 + $1.elementCount },
      fileBytes: bytes?.intValue ?? 0)
  }
}
