import Adapters
import Backbones
import Checkpoints
import Datasets
import Foundation
import Formats
import Layers
package import Recipes
import Tensors

/// What `export` is asked for.
package struct ExportRequest: Sendable {
  package enum Format: String, Sendable, CaseIterable {
    /// The adapter alone, as Hugging Face PEFT reads it.
    case peft
    /// The merged model as timm reads it.
    case timm
    /// The merged model as transformers reads it.
    case hf
    /// The merged model under the reference's keys.
    case safetensors
    /// The model under the reference's keys, layers of few bits as whole numbers with their grids.
    case lowBit = "low-bit"
  }

  /// A run directory.
  package var run: String
  /// Folder to make.
  package var output: String
  package var format: Format
  /// File for an input and the model's output on it; nil for none.
  package var sample: String?
  /// Whether what lies at `output` is replaced.
  package var replaces = false

  package init(run: String, output: String, format: Format) {
    self.run = run
    self.output = output
    self.format = format
  }
}

/// What was written.
package struct Exported: Codable, Sendable {
  package var directory: String
  package var format: String
  /// Checkpoint of the run: `best` or `last`.
  package var checkpoint: String
  package var step: Int
  package var tensors: Int
  /// Whether the folder says how the model is built.
  package var hasConfiguration: Bool
  package var sample: String?
}

/// Something that an exchange format cannot say, exit 69.
package struct ExportError: ExitCoded, CustomStringConvertible {
  var format: ExportRequest.Format
  var reason: String
  var remedy: String

  package var description: String { "--format \(format.rawValue): \(reason). \(remedy)" }
  package var exitCode: ExitCode { .unavailable }
}

/// Writes a run's adapter or merged model for another program.
///
/// - Throws: `ExportError` or `AdapterError` (exit 69) for what the format cannot say exactly.
package func export(_ request: ExportRequest) throws -> Exported {
  let run = try FinishedRun(request.run)
  let (inputs, shapes) = (run.inputs, run.sampleShapes)
  let model = try run.assemble()
  let restored = try run.restore(model, checkpoint: nil)
  for path in [request.output, request.sample].compactMap(\.self)
  where !request.replaces && FileManager.default.fileExists(atPath: path) {
    throw FormatError.outputExists(path: path, replacing: "Pass --force to replace it")
  }
  let sample = try request.sample.map { _ in
    try model.network.check(model.inputNames.shapes(shapes))
    return try SamplePass(
      model.inputNames.input(drawnFields(inputs)), model.network, request.format)
  }
  var exported = Exported(
    directory: request.output, format: request.format.rawValue, checkpoint: restored.name,
    step: restored.step, tensors: 0, hasConfiguration: true, sample: request.sample)
  if request.format == .peft, !model.movedBase.isEmpty {
    throw ExportError(
      format: .peft, reason: "the rounds of the run moved the base weights",
      remedy: "Take the run's folder adapter, which holds all rounds beside the base as it was")
  }
  if request.format == .lowBit {
    exported.tensors = try exportLowBit(model.adapted, of: model.network, to: request.output)
    exported.hasConfiguration = true
  } else if request.format == .peft {
    exported.tensors = try exportAdapter(
      model.adapted, of: model.network, to: request.output, base: model.weights?.path,
      baseDigest: model.weights?.digest ?? randomDigest(seed: run.plan.recipe.seed))
  } else {
    let folder = try ExportedModel(model.adapted, of: model.network, as: request.format)
    try folder.write(to: request.output)
    exported.tensors = folder.tensors.count
    exported.hasConfiguration = folder.configuration != nil
  }
  if let path = request.sample { try sample?.write(to: path) }
  return exported
}

/// Stands for the digest of base weights that were drawn.
func randomDigest(seed: Int) -> String { SHA256Digest.of("random, seed \(seed)") }
