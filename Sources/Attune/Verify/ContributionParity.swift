import Adapters
import Checkpoints
import Formats
import Layers
import Tensors

/// Contributions of a case's calibration images: FAIG of every value, and Taylor's by layer.
struct ContributionParity: CalibrationProbe {
  private let base: AdapterBase
  private let input: Tensor
  private let target: Tensor

  /// Nil for a case without calibration images.
  init?(_ parityCase: ParityCase, _ folder: String, base name: String) throws {
    guard !parityCase.names("input.calibration.").isEmpty else { return nil }
    base = try AdapterBase(name, beside: folder)
    for parameter in base.tree.parameters { parameter.isTrainable = true }
    input = try parityCase.tensor("input.calibration.input")
    target = try parityCase.tensor("input.calibration.target")
  }

  var count: Int { input.shape[0] }
  var parameters: [Parameter] { base.tree.parameters }

  /// Of the sum of squared errors of one image.
  func gradients(sample: Int) throws -> Gradients {
    let rows = sample..<(sample + 1)
    let difference =
      base.forward(input.sliced(axis: 0, rows)) - target.sliced(axis: 0, rows)
    return (difference * difference).sum().gradients()
  }

  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) throws { preconditionFailure("contributions need gradients alone") }

  func fineTune(steps: Int, learningRate: Double) throws {
    preconditionFailure("a case has its end point")
  }

  /// Adds `faig.KEY`, and `faig_filter.MODULE`, the sums over the kernels of convolutions.
  func add(to run: inout ParityRun, _ parityCase: ParityCase, _ folder: String) throws {
    let end = try openCheckpoint(folder + "/target.safetensors")
    let names = ModuleNames(base.tree)
    let targets = try parameters.map { try end.tensor(names.keys(of: $0.path)[0]) }
    let options = parityCase.description["options"]?.object
    let scores = try faigScores(
      parameters, target: targets, steps: options?["steps"]?.integer ?? 100, self, samples: count)
    for (parameter, score) in zip(parameters, scores) {
      run.tensors["output.faig." + parameter.path] = score
      if score.shape.count == 4, parameter.path.hasSuffix(".weight") {
        run.tensors["output.faig_filter." + parameter.path.dropLast(".weight".count)] =
          overKernel(score)
      }
    }
    let taylor = try taylorScores(parameters, self, samples: count)
    for entry in parityCase.description["contribution_taylor"]?.object?.entries ?? [] {
      guard let index = parameters.firstIndex(where: { $0.path == entry.key + ".weight" }),
        let expected = entry.value.number
      else { throw VerifyError("\(parityCase.name): no layer \(entry.key)") }
      let found = taylor[index].sum().scalar / Double(taylor[index].elementCount)
      guard abs(found - expected) <= 1e-4 * abs(expected) else {
        throw VerifyError(
          "\(parityCase.name): Taylor's contribution of \(entry.key) is \(found), expected \(expected)"
        )
      }
    }
  }

  /// Sums of `[out, in, height, width]` over the kernel, `[out, in]`.
  private func overKernel(_ score: Tensor) -> Tensor {
    let size = score.shape[2] * score.shape[3]
    return linear(
      score.reshaped(to: [-1, size]), weight: Tensor(filledWith: 1, shape: [1, size]), bias: nil
    ).reshaped(to: Array(score.shape[..<2]))
  }
}
