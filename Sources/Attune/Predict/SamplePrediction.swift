import Adapters
import Datasets
import Foundation
import Formats
import Layers
import Recipes
import Tasks
import Tensors

/// A run of a task with samples, ready to predict from files.
struct SamplePrediction {
  let run: FinishedRun
  let request: PredictRequest
  let task: any SampleTask
  let model: AssembledModel
  let threads: Int
  private let source: DataPlan.Source
  private let contract: [String: InputContract]

  init(_ request: PredictRequest, run: FinishedRun, task type: any SampleTask.Type) throws {
    self.run = run
    self.request = request
    if request.steps != nil {
      throw CommandLineError(
        description: "--steps: the run's task is \(type.name), expected task pde. Leave it out")
    }
    source = try run.source(named: request.source)
    contract = run.contract.inputs(
      of: source.name, isOnly: run.plan.data.sources.count == 1)
    guard let target = run.contract.target else {
      throw RunError.notARun(path: request.run, reason: "contract.json has no target")
    }
    task = try type.init(target)
    threads = run.plan.recipe.distributed.threads ?? ProcessInfo.processInfo.activeProcessorCount
    model = try run.assemble()
    _ = try run.restore(model, checkpoint: nil)
    for parameter in model.adapted.trainable { parameter.isTrainable = false }
  }

  /// An input whose files fit the contract, or whose differences were accepted.
  struct Input {
    /// As it was given.
    let text: String
    let scene: any PredictionScene
    let accepted: [String]

    /// Name of the first file without its ending.
    var name: String { URL(filePath: scene.path).deletingPathExtension().lastPathComponent }
  }

  /// Opens the files of an input, a path or `NAME=PATH,NAME=PATH`, and compares them with the contract.
  func open(_ text: String) throws -> Input {
    let files = try files(of: text)
    guard let scene = try source.set.predictionScene(files, contract: contract) else {
      throw RunError.notOffered(
        field: "predict", value: "data format \(run.plan.recipe.data.format.name)",
        instead: "It is offered for rasters, pictures and scenes")
    }
    let found = try scene.found()
    var accepted: [String] = []
    for name in found.keys.sorted() {
      guard case .image(let expected) = contract[name], let image = found[name] else { continue }
      accepted += try Contract.check(
        expected.mismatches(with: image), input: files[name] ?? text, accepting: request.accepted)
    }
    return Input(text: text, scene: scene, accepted: accepted)
  }

  private func files(of text: String) throws -> [String: String] {
    let names = contract.keys.sorted()
    guard names.count > 1 else { return [names.first ?? "image": text] }
    var files: [String: String] = [:]
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2, names.contains(sides[0]) else {
        throw CommandLineError(
          description: "\(text): the run has the inputs \(names.joined(separator: ", ")), expected "
            + names.map { "\($0)=FILE" }.joined(separator: ","))
      }
      files[sides[0]] = sides[1]
    }
    return files
  }

  /// Raw outputs of a batch `[sample, …]` of fields.
  func output(_ fields: [String: Tensor]) -> Tensor {
    model.output(fields, .evaluation).detached()
  }

  /// The fields of one window as a batch of one.
  func batch(_ scene: any PredictionScene, _ window: RasterFile.Window) throws -> [String: Tensor] {
    let fields = stackedFields([try scene.fields(in: window)])
    try model.network.check(
      model.inputNames.shapes(fields.mapValues { Array($0.shape.dropFirst()) }))
    return fields
  }

  /// What a prediction's file says of where it comes from.
  func metadata(_ input: Input) -> [String: String] {
    var items = [
      "attune_program": "attune \(programVersion)",
      "attune_run": "\(run.plan.recipe.name) \(run.status.digest)",
      "attune_input": URL(filePath: input.scene.path).lastPathComponent,
      "attune_task": run.plan.recipe.task,
    ]
    if !input.accepted.isEmpty {
      items["attune_accepted"] = input.accepted.joined(separator: "; ")
    }
    return items
  }
}

extension FinishedRun {
  /// The data set of that name, or the only one.
  func source(named name: String?) throws -> DataPlan.Source {
    let sources = plan.data.sources
    guard
      let source = name.map({ name in sources.first { $0.name == name } })
        ?? (sources.count == 1 ? sources[0] : nil)
    else {
      throw CommandLineError(
        description: "--source \(name ?? "is missing"): the run was trained on "
          + "\(sources.map(\.name).joined(separator: ", ")). Name the one that the inputs are like")
    }
    return source
  }
}
