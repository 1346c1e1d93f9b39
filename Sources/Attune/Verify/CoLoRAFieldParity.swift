import Backbones
import Checkpoints
import Formats
import Layers
import Tensors

/// Runs cases of `colora-pde`, a network without a base model: field, state and its derivative, loss,
/// gradients, and the weights at the first state.
enum CoLoRAFieldParity {
  static let method = "colora-pde"

  static func run(_ parityCase: ParityCase) throws -> ParityRun {
    guard let folder = parityCase.folder else {
      throw VerifyError("\(parityCase.name): an adapter case without its folder")
    }
    let builder = ModelBuilder()
    let field = CoLoRAField(try CoLoRAField.Configuration(parityCase), in: builder.root)
    let values = try openCheckpoint(folder + "/adapter.safetensors")
    for parameter in builder.tree.parameters {
      let value = try values.tensor(parameter.path)
      guard value.shape == parameter.shape else {
        throw VerifyError(
          "\(parityCase.name): \(parameter.path) has shape \(value.shape), the model expects "
            + "\(parameter.shape)")
      }
      parameter.value = value
    }
    let known = Set(builder.tree.parameters.map(\.path))
    if let stray = values.names.first(where: { !known.contains($0) }) {
      throw VerifyError("\(parityCase.name): the model has no place for \(stray)")
    }
    let points = try parityCase.tensor("input.x")
    let states = field.latent(try parityCase.tensor("input.mu_t"))
    let fields = field.values(at: points, states: states)
    var run = ParityRun()
    run.tensors["output.phi"] = states.detached()
    run.tensors["output.u"] = fields.detached()
    let first = states.detached().sliced(axis: 0, 0..<1).reshaped(to: [states.shape[1]])
    run.tensors["output.jacobian_phi"] = jacobian(field, points, first)
    for (index, weight) in field.weights(at: first).enumerated() {
      run.tensors["output.merged.CoLoRA_\(index).W"] = weight.detached()
    }
    let loss = meanRelativeError(fields, try parityCase.tensor("input.u"))
    run.loss = loss.scalar
    let gradients = loss.gradients()
    for parameter in builder.tree.parameters {
      run.tensors["grad." + parameter.path] = gradients[parameter.leaf]
    }
    return run
  }

  /// ∂û/∂φ at a state, `[points, fields, q]`, a row for each value of the field.
  private static func jacobian(_ field: CoLoRAField, _ points: Tensor, _ state: Tensor) -> Tensor {
    let shape = [points.shape[0], field.configuration.fields]
    let rows = (0..<(shape[0] * shape[1])).map { index in
      let leaf = Node()
      let values = field.values(
        at: points, weights: field.weights(at: state.tracked(by: leaf)))
      let seed = (0..<values.elementCount).map { $0 == index ? 1 : 0 as Float }
      let row = values.gradients(for: Tensor(seed, shape: shape))[leaf]
      return (row ?? Tensor(zeros: state.shape)).reshaped(to: [1, state.elementCount])
    }
    return Tensor.concatenated(rows, axis: 0).reshaped(to: shape + [state.elementCount])
  }
}

extension CoLoRAField.Configuration {
  /// Reads the options of a case.
  init(_ parityCase: ParityCase) throws {
    let options = parityCase.description["options"]?.object ?? JSONObject()
    func integer(_ value: JSONValue?, _ name: String) throws -> Int {
      guard let number = value?.integer else {
        throw VerifyError("\(parityCase.name): options.\(name) is not a whole number")
      }
      return number
    }
    let (field, hyper) = (options["u_hat"]?.object, options["h"]?.object)
    let layers = (field?["layers"]?.array ?? []).compactMap(\.string)
    let dense = (hyper?["layers"]?.array ?? []).compactMap(\.string)
    guard layers.first == "P", layers.dropFirst().allSatisfy({ $0 == "C" }), layers.count > 1,
      !dense.isEmpty, dense.allSatisfy({ $0 == "D" }), options["activation"]?.string == "swish"
    else {
      throw VerifyError(
        "\(parityCase.name): layers \(layers) and \(dense); offered are P followed by C, and D, with "
          + "swish between them")
    }
    self.init(
      periods: (options["period"]?.array ?? []).compactMap(\.number),
      fields: try integer(options["u_dim"], "u_dim"),
      conditions: try integer(options["mu_t_dim"], "mu_t_dim"),
      width: try integer(field?["width"], "u_hat.width"), layers: layers.count - 1,
      rank: try integer(options["rank"], "rank"), isFull: options["full"]?.bool ?? false,
      hyperWidth: try integer(hyper?["width"], "h.width"), hyperLayers: dense.count)
  }
}
