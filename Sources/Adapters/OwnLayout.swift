package import Checkpoints
import Layers
package import Tensors

/// The files of methods that PEFT does not know: each tensor under its parameter's path.
extension AdapterMethod {
  /// All values of the adapter, slices of a weight told apart by their rows in the path.
  package func ownTensors(_ adapter: AttachedAdapter) -> [(name: String, tensor: Tensor)] {
    adapter.parameters.map { ($0.path, $0.value) }
  }

  /// The values that `ownTensors` wrote, by parameter path.
  ///
  /// - Throws: `AdapterError.wrongShape`, and what the file says of a missing tensor.
  package func ownValues(
    _ adapter: AttachedAdapter, from directory: PEFTDirectory
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for parameter in adapter.parameters {
      let key = PEFTDirectory.key(parameter.path)
      let value = try directory.weights.tensor(key)
      guard value.shape == parameter.shape else {
        throw AdapterError.wrongShape(
          path: directory.path, key: key, expected: parameter.shape, found: value.shape)
      }
      values[parameter.path] = value
    }
    return values
  }
}
