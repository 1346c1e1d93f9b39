import Adapters
import Checkpoints
import Foundation
import Formats

import Tensors

/// A merged model and how far it is from the adapted one.
package struct Merged: Codable, Sendable {
  package var file: String
  package var tensors: Int
  package var checkpoint: String
  package var step: Int
  /// Largest |merged − adapted| of the outputs on one drawn batch, and the largest output.
  package var largestDifference: Double
  package var largestOutput: Double

  private enum CodingKeys: String, CodingKey {
    case file, tensors, checkpoint, step
    case largestDifference = "largest_difference"
    case largestOutput = "largest_output"
  }
}

/// Folds a run's adapters into the weights, writes them under the reference's keys, and compares both
/// models on one batch.
///
/// - Throws: `AdapterError` (exit 69) for an adapter that no weight can stand for; nothing is written
///   then.
package func merge(run path: String, to output: String, replaces: Bool) throws -> Merged {
  let run = try FinishedRun(path)
  let model = try run.assemble()
  let restored = try run.restore(model, checkpoint: nil)
  if FileManager.default.fileExists(atPath: output), !replaces {
    throw FormatError.outputExists(path: output, replacing: "Pass --force to replace it")
  }
  try model.network.check(model.inputNames.shapes(run.sampleShapes))
  let input = model.inputNames.input(drawnFields(run.inputs))
  func result() throws -> Tensor { try SamplePass(input, model.network, .safetensors).output }
  let adapted = try result()
  let folder = try ExportedModel(model.adapted, of: model.network, as: .safetensors)
  let state = try model.adapted.merge()
  let merged = try result()
  state.undo()
  try writeSafetensors(folder.tensors, to: output)
  return Merged(
    file: output, tensors: folder.tensors.count, checkpoint: restored.name, step: restored.step,
    largestDifference: largest((merged - adapted)), largestOutput: largest(adapted))
}

private func largest(_ tensor: Tensor) -> Double {
  tensor.elements(as: Float.self).reduce(0) { $1.isNaN ? .nan : max($0, Double(abs($1))) }
}
