package import Backbones
import Checkpoints
import Datasets
import Layers
import Tensors

/// A batch and what a model makes of it, for comparison in another program.
package struct SamplePass {
  private let input: BackboneInput
  let output: Tensor

  /// Runs the model with its adapters as they are.
  ///
  /// - Throws: `ExportError` for a network without an output.
  package init(
    _ input: BackboneInput, _ network: Network, _ format: ExportRequest.Format
  ) throws {
    self.input = input
    switch network {
    case .autoencoder:
      throw ExportError(
        format: format, reason: "a masked autoencoder has no output to compare",
        remedy: "Leave --io out")
    case .task(let task): output = task(input, .evaluation).detached()
    case .backbone(let backbone):
      let result = backbone(input, .evaluation)
      guard let output = result.logits ?? result.prediction ?? result.features.pooled else {
        preconditionFailure("a backbone without any output")
      }
      self.output = output.detached()
    }
  }

  /// Writes `input` (`input.NAME` where there are several) and `output`.
  package func write(to path: String) throws {
    let inputs = input.values.sorted { $0.key < $1.key }.map { name, value in
      (name: input.values.count == 1 ? "input" : "input.\(name)", tensor: value)
    }
    try writeSafetensors(inputs + [("output", output)], to: path)
  }
}

/// Two samples of normal values, which is what a model sees after normalization, with what belongs
/// to an image beside it.
func drawnFields(_ inputs: [String: InputContract]) -> [String: Tensor] {
  let count = 2
  var fields: [String: Tensor] = [:]
  for (name, input) in inputs {
    var random = Philox(seed: 0, purpose: .data, step: 0, index: pathHash(name))
    let shape = [count] + input.sampleShape
    fields[name] = Tensor(
      (0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
    guard case .image(let image) = input else { continue }
    if let wavelengths = image.wavelengths {
      let row = wavelengths.map { Float($0) }
      fields[name + InputField.wavelengths] = Tensor(
        (0..<count).flatMap { _ in row }, shape: [count, row.count])
    }
    if let resolution = image.resolution {
      fields[name + InputField.resolution] = Tensor(
        [Float](repeating: Float(resolution), count: count), shape: [count])
    }
  }
  return fields
}

extension InputContract {
  /// Shape of one sample as the model sees it.
  var sampleShape: [Int] {
    switch self {
    case .state(let state): [state.inputFrames] + state.frameShape
    case .image(let image): image.shape
    }
  }
}
