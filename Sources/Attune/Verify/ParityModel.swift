import Backbones
import Formats
import Layers
import Tensors

/// A model built for a parity case: weights in, outputs, loss and gradients out, all by the
/// reference's keys.
struct ParityModel {
  private let stored: [(parameter: Parameter, keys: [String])]
  private let parityCase: ParityCase

  /// Loads the case's weights into `parameters` and says which are trained.
  ///
  /// `layout` gives the stored keys; `prefix` is that of the weights' names in the file.
  init(
    _ parityCase: ParityCase, _ parameters: [Parameter], _ layout: KeyLayout,
    prefix: String = "weight."
  ) throws {
    self.parityCase = parityCase
    stored = parameters.map { ($0, layout.parts(of: $0.path).map(\.key)) }
    for (parameter, keys) in stored {
      let value = try layout.value(of: parameter.path) { try parityCase.tensor(prefix + $0) }
      guard value.shape == parameter.shape else {
        throw VerifyError(
          "\(parityCase.name): \(keys.joined(separator: " + ")) has shape \(value.shape), the "
            + "model expects \(parameter.shape)")
      }
      parameter.value = value
      parameter.isTrainable = try keys.contains { try parityCase.isTrainable($0) }
    }
  }

  /// The context of the case's mode, without dropout.
  var context: ForwardContext {
    ForwardContext.evaluation.usingBatchStatistics(
      parityCase.description["mode"]?.string == "train")
  }

  /// Runs the model and goes back from the loss.
  ///
  /// `forward` takes a lookup of input tensors by name without `input.` and gives what the case
  /// calls `output.*`, with these names.
  func run(_ forward: (_ input: (String) throws -> Tensor) throws -> [String: Tensor]) throws
    -> ParityRun
  {
    var leaves: [String: Node] = [:]
    for name in parityCase.names("grad_input.") { leaves[name] = Node() }
    let outputs = try forward { name in
      let value = try parityCase.tensor("input." + name)
      return leaves[name].map { value.tracked(by: $0) } ?? value
    }
    var run = ParityRun()
    run.tensors = outputs.mapValues { $0.detached() }
    for (parameter, keys) in stored where parameter.isBuffer {
      run.tensors["after." + keys[0]] = parameter.value
    }
    guard let loss = try parityLoss(parityCase, outputs) else { return run }
    run.loss = loss.scalar
    let gradients = loss.gradients()
    for (name, leaf) in leaves { run.tensors["grad_input." + name] = gradients[leaf] }
    for (parameter, keys) in stored where parameter.isTrainable {
      guard let gradient = gradients[parameter.leaf] else {
        run.withoutGradient += keys
        continue
      }
      let rows = gradient.rank == 0 ? 1 : gradient.shape[0] / keys.count
      for (index, key) in keys.enumerated() {
        run.tensors["grad." + key] =
          keys.count == 1
          ? gradient : gradient.sliced(axis: 0, (index * rows)..<((index + 1) * rows))
      }
    }
    return run
  }
}
