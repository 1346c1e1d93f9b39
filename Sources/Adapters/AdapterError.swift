package import Recipes

/// What can go wrong when an adapter is attached, saved or loaded.
package enum AdapterError: ExitCoded, Equatable {
  /// A pattern of the recipe takes no module of the model.
  case matchesNothing(field: String, pattern: String, groups: [String], examples: [String])
  case noTargets(method: String)
  /// The backbone has no blocks whose stream could be changed.
  case noBlocks(method: String)
  /// A method that acts on blocks was given modules.
  case takesPositions(method: String)
  case unknownRows(pattern: String, module: String, names: [String], rows: Int)
  case rankTooLarge(module: String, rank: Int, limit: Int, method: String)
  case unsupported(module: String, method: String, reason: String)
  case foreignBase(expected: String, found: String, path: String)
  case missingTensors(path: String, keys: [String])
  case unexpectedTensors(path: String, keys: [String])
  case wrongShape(path: String, key: String, expected: [Int], found: [Int])
  case notFinite(path: String, key: String)
  case malformed(path: String, reason: String)
  /// The saved adapter that training starts from is not the one that the recipe describes.
  case startDiffers(adapter: String, path: String, differences: [String])

  package var exitCode: ExitCode {
    switch self {
    case .matchesNothing, .noTargets, .noBlocks, .takesPositions, .unknownRows, .rankTooLarge:
      .invalidRecipe
    case .unsupported: .unavailable
    default: .malformedData
    }
  }
}

extension AdapterError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .matchesNothing(let field, let pattern, let groups, let examples):
      "\(field): pattern '\(pattern)' matches no module. Groups: \(list(groups)); modules are "
        + "named like \(list(examples)). `attune inspect` lists them all"
    case .noTargets(let method):
      "adapter method \(method) has no target modules. Set adapter.target_modules"
    case .noBlocks(let method):
      "adapter method \(method) acts on the stream of transformer blocks, and this backbone offers "
        + "none. Choose a method that acts on weights (`attune list adapters`)"
    case .takesPositions(let method):
      "adapter method \(method) acts on blocks and takes no target_modules. Use adapter.at"
    case .unknownRows(let pattern, let module, let names, let rows):
      "adapter.target_modules: '\(pattern)': \(module) has \(rows) rows"
        + (names.isEmpty ? " and no named parts" : " in the parts \(list(names))")
        + ". Name one of these, or a range such as [0:\(rows)]"
    case .rankTooLarge(let module, let rank, let limit, let method):
      "\(module): rank \(rank) is above the weight's smaller side \(limit), which \(method) needs. "
        + "Lower adapter.r, or set adapter.rank_pattern for this module"
    case .unsupported(let module, let method, let reason): "\(module): \(method): \(reason)"
    case .foreignBase(let expected, let found, let path):
      "\(path): the adapter belongs to base weights \(expected.prefix(16)), this model has "
        + "\(found.prefix(16)). Load the weights it was trained on, or pass --accept base"
    case .missingTensors(let path, let keys): "\(path): tensors missing: \(list(keys))"
    case .unexpectedTensors(let path, let keys):
      "\(path): tensors that belong to no adapted module: \(list(keys))"
    case .wrongShape(let path, let key, let expected, let found):
      "\(path): \(key) has shape \(found), expected \(expected). The adapter was made for another "
        + "rank or another model size"
    case .notFinite(let path, let key): "\(path): \(key) holds NaN or infinite values"
    case .malformed(let path, let reason): "\(path): \(reason)"
    case .startDiffers(let adapter, let path, let differences):
      "adapter.from: \(path) is not the adapter \(adapter) of the recipe: "
        + differences.prefix(6).joined(separator: "; ")
        + (differences.count > 6 ? "; and \(differences.count - 6) more" : "")
        + ". Give the recipe the file's settings"
    }
  }
}

/// Names separated by commas, the tail of a long list counted.
private func list(_ names: [String]) -> String {
  let shown = names.prefix(6).joined(separator: ", ")
  return names.count > 6 ? "\(shown) and \(names.count - 6) more" : (shown.isEmpty ? "none" : shown)
}
