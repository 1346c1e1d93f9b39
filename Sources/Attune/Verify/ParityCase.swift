import Foundation
import Formats
import Recipes
import Tensors

/// A stored run of a reference program: configuration, weights, inputs, outputs and gradients.
///
/// It is a JSON file with tensors beside it, or a folder of an adapter case, whose tensors are named
/// here as those of the former.
struct ParityCase: Sendable {
  let name: String
  let family: String
  let kind: String
  let description: JSONObject
  /// Type of the adapter that the numbers are of, nil for a plain model.
  let adapter: String?
  /// The folder of an adapter case.
  let folder: String?
  private let tensors: ParityTensors

  /// Kinds that hold a whole model; the others are for unit tests.
  private static let modelKinds: Set<String> = [
    "full-model", "encoder_forward", "encoder_forward_backward", "mae_forward",
    "mae_forward_backward", "classifier_forward_backward", "upernet_forward_backward",
    "conv_head_forward_backward", "moe_linear_head_forward_backward",
  ]

  var isModelLevel: Bool { Self.modelKinds.contains(kind) }

  /// Reads a case; nil for a JSON file that is none.
  init?(path: String) throws {
    let url = URL(fileURLWithPath: path)
    let isFolder = url.lastPathComponent == "fixture.json"
    guard let object = try JSONValue(contentsOf: path).object,
      isFolder || object["format"]?.string == "attune-case/1"
    else { return nil }
    description = object
    family = object["family"]?.string ?? ""
    kind = object["kind"]?.string ?? ""
    let type = object["peft_type"]?.string ?? object["method"]?.string
    if isFolder {
      let isBase = object["peft_type"]?.isNull ?? false
      name =
        object["name"]?.string ?? url.deletingLastPathComponent().lastPathComponent
      adapter = isBase ? nil : type ?? "adapter"
      folder = url.deletingLastPathComponent().path
      tensors =
        isBase
        ? try ParityTensors(folderCase: object, path: path) : try ParityTensors(adapterCase: path)
    } else {
      folder = nil
      name = object["case"]?.string ?? url.deletingPathExtension().lastPathComponent
      adapter = object["adapter"].map { _ in type ?? "adapter" }
      tensors =
        adapter == nil && Self.modelKinds.contains(kind)
        ? try ParityTensors(case: object, path: path) : ParityTensors()
    }
  }

  /// Names of stored tensors with this prefix, without it.
  func names(_ prefix: String) -> [String] {
    tensors.names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }

  func tensor(_ name: String) throws -> Tensor {
    guard let tensor = try tensors.tensor(name) else {
      throw VerifyError("\(self.name): holds no tensor \(name)")
    }
    return tensor
  }

  /// The name among stored tensors of what the description calls `name`.
  func storedName(_ name: String) -> String { tensors.aliases[name] ?? name }

  /// The stored tensors of the pass rule.
  var expectedNames: [String] {
    tensors.names.filter { name in
      ["output.", "after.", "grad.", "grad_input.", "grad_regulariser."].contains {
        name.hasPrefix($0)
      }
    }
  }

  /// The file that the weights come from, where the case has no other copy or names its layout.
  var checkpointPath: String? { tensors.checkpointPath }

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
