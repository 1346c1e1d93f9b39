package import Recipes

/// What ends a run outside data, weights and numerics.
package enum RunError: ExitCoded, Equatable {
  /// A field that this version cannot execute: refused, never ignored.
  case notOffered(field: String, value: String, instead: String)
  case outputExists(path: String, state: String)
  case inputsChanged(path: String, files: [String])
  case notARun(path: String, reason: String)
  case weightsDoNotFit(path: String, problems: [String])
  case dataTooShort(what: String)
  case contractBroken(input: String, differences: [String])
  case contract(field: String, expected: String, found: String, input: String)

  package var exitCode: ExitCode {
    switch self {
    case .notOffered: .unavailable
    case .outputExists: .cannotCreate
    default: .malformedData
    }
  }
}

extension RunError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notOffered(let field, let value, let instead):
      "\(field): \(value) is not offered by this version. \(instead)"
    case .outputExists(let path, let state):
      "\(path): holds a run that is \(state). Set output.if_exists: overwrite or new, or choose "
        + "another name or output.dir"
    case .inputsChanged(let path, let files):
      "\(path): the run's inputs have changed since it began: \(files.joined(separator: ", ")). Put "
        + "them back, or start a new run"
    case .notARun(let path, let reason): "\(path): not a run directory: \(reason)"
    case .weightsDoNotFit(let path, let problems):
      "\(path): the weights do not fit the model: "
        + problems.prefix(8).joined(separator: "; ")
        + (problems.count > 8 ? "; and \(problems.count - 8) more" : "")
        + ". Check model.backbone's size, or set model.strict: report"
    case .dataTooShort(let what): what
    case .contractBroken(let input, let differences):
      "\(input): differs from what the run was trained on: \(differences.joined(separator: "; "))"
    case .contract(let field, let expected, let found, let input):
      "\(input): \(field): expected \(expected), found \(found). Pass --accept \(field) to go on "
        + "all the same"
    }
  }
}
