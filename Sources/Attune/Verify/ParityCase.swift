import Checkpoints
import Foundation
import Formats
import Recipes
import Tensors

/// A stored run of a reference program: configuration, weights, inputs, outputs and gradients.
struct ParityCase: Sendable {
  let name: String
  let family: String
  let kind: String
  let description: JSONObject
  private let tensors: SafetensorsFile?

  /// Kinds that hold a whole model; the others are for unit tests.
  private static let modelKinds: Set<String> = [
    "full-model", "encoder_forward", "encoder_forward_backward", "mae_forward",
    "mae_forward_backward", "classifier_forward_backward", "upernet_forward_backward",
    "conv_head_forward_backward", "moe_linear_head_forward_backward",
  ]

  var isModelLevel: Bool { Self.modelKinds.contains(kind) }

  /// Reads a case; nil for a JSON file that is none.
  init?(path: String) throws {
    guard let object = try JSONValue(contentsOf: path).object,
      object["format"]?.string == "attune-case/1"
    else { return nil }
    description = object
    let fallback = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    name = object["case"]?.string ?? fallback
    family = object["family"]?.string ?? ""
    kind = object["kind"]?.string ?? ""
    let data = path.replacing(#/\.json$/#, with: ".safetensors")
    tensors = Self.modelKinds.contains(kind) ? try SafetensorsFile(path: data) : nil
  }

  /// Names of stored tensors with this prefix, without it.
  func names(_ prefix: String) -> [String] {
    (tensors?.names ?? []).filter { $0.hasPrefix(prefix) }.map {
      String($0.dropFirst(prefix.count))
    }
  }

  func tensor(_ name: String) throws -> Tensor {
    guard let tensors else { throw VerifyError("\(self.name): a case without tensors") }
    return try tensors.tensor(name)
  }

  /// The stored tensors of the pass rule.
  var expectedNames: [String] {
    (tensors?.names ?? []).filter { name in
      ["output.", "after.", "grad.", "grad_input."].contains { name.hasPrefix($0) }
    }
  }

  var tolerance: Double? { description["tolerance"]?.number }
  var storedLoss: Double? {
    get throws { names("loss") == [""] ? try tensor("loss").scalar : nil }
  }

  var withoutGradient: [String] {
    (description["parameters_without_gradient"]?.array ?? []).compactMap(\.string)
  }

  /// Whether a parameter's key is trained in this case.
  func isTrainable(_ key: String) throws -> Bool {
    let frozen = (description["frozen_parameters"]?.array ?? []).compactMap(\.string)
    if frozen.contains(key) { return false }
    switch description["trainable"] {
    case .string("all"): return true
    case .array(let patterns):
      return try patterns.compactMap(\.string).contains { pattern in
        try key.wholeMatch(of: Regex(pattern)) != nil
      }
    default: return false
    }
  }

}

/// A case that cannot be read or run.
struct VerifyError: ExitCoded, CustomStringConvertible {
  let description: String
  var exitCode: ExitCode { .malformedData }
  init(_ description: String) { self.description = description }
}
