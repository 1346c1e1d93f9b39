import Checkpoints
package import Formats
import Foundation
package import Tensors

/// A stored run of a part of a reference program: configuration, weights, input, cotangent of the
/// output, and what came out.
package struct ComponentCase: Sendable {
  package let config: JSONObject
  /// Whether batch norms use the statistics of the batch.
  package let isTraining: Bool
  private let file: SafetensorsFile

  package init(_ fixture: Fixture) throws {
    let description = try JSONValue(contentsOf: fixture.json.path).object
    config = description?["config"]?.object ?? JSONObject()
    isTraining = description?["mode"]?.string == "train"
    file = try SafetensorsFile(path: fixture.tensors.path)
  }

  package var names: [String] { file.names }

  package func tensor(_ name: String) throws -> Tensor { try file.tensor(name) }

  /// A whole number of the configuration, -1 where there is none.
  package func integer(_ key: String) -> Int { config[key]?.integer ?? -1 }

  /// What differs from the stored results by the pass rule of parity cases, in words; empty where all
  /// are there and agree.
  package func differences(_ found: [String: Tensor]) throws -> [String] {
    let groups = [["output.", "after."], ["grad.", "grad_input."]]
    var texts: [String] = []
    for prefixes in groups {
      let stored = names.filter { name in prefixes.contains { name.hasPrefix($0) } }
      let expected = try stored.map { try doubles(tensor($0)) }
      let scale = expected.joined().reduce(0) { max($0, abs($1)) }
      for (name, values) in zip(stored, expected) {
        guard let own = found[name], try own.shape == tensor(name).shape else {
          texts.append("\(name): missing, or of another shape")
          continue
        }
        let error = zip(doubles(own), values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        let limit = 1e-4 * max(values.reduce(0) { max($0, abs($1)) }, 0.1 * scale)
        if !(error <= limit) { texts.append("\(name): error \(error), limit \(limit)") }
      }
    }
    return texts
  }

  private func doubles(_ tensor: Tensor) -> [Double] {
    switch tensor.dtype {
    case .i64: tensor.elements(as: Int64.self).map(Double.init)
    case .i32: tensor.elements(as: Int32.self).map(Double.init)
    case .f64: tensor.elements(as: Double.self)
    default: tensor.cast(to: .f32).elements(as: Float.self).map(Double.init)
    }
  }
}
