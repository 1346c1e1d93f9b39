package import Recipes
import Reports

/// What ends a run outside data, weights and numerics.
package enum RunError: ExitCoded, Equatable {
  /// A field that this version cannot execute: refused, never ignored.
  case notOffered(field: String, value: String, instead: String)
  case outputExists(path: String, state: String)
  /// Another process writes to the run's folder.
  case inUse(path: String, by: String)
  /// A recipe that describes many runs, where one is wanted.
  case sweepGiven(recipe: String)
  case inputsChanged(path: String, files: [String])
  case notARun(path: String, reason: String)
  /// `size` says how large a model the file holds and how large the recipe's is, where they differ.
  case weightsDoNotFit(path: String, problems: [String], size: String?)
  /// Keys of another program than those that the backbone knows.
  case layoutUnknown(path: String, tried: [String], hint: String)
  case dataTooShort(what: String)
  /// The input is not what the run was trained on.
  case contract(input: String, differences: [Difference])
  /// A value of the recipe that cannot be followed with this data and model.
  case settingInvalid(field: String, found: String, expected: String)
  /// What lies below the first trained value is not the same in every epoch, or nothing does.
  case featuresChange(reason: String, remedy: String)
  /// No room for the cached features.
  case featuresTooLarge(path: String, needed: Int, free: Int)

  /// Where an input breaks a run's contract.
  package struct Difference: Sendable, Equatable {
    /// What `--accept` takes.
    package var name: String
    package var expected: String
    package var found: String
  }

  package var exitCode: ExitCode {
    switch self {
    case .notOffered: .unavailable
    case .outputExists, .inUse, .featuresTooLarge: .cannotCreate
    case .settingInvalid, .featuresChange, .sweepGiven: .invalidRecipe
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
    case .inUse(let path, let holder):
      "\(path): \(holder) writes to this run just now. Wait until it has ended, or choose another "
        + "name or output.dir"
    case .sweepGiven(let recipe):
      "\(recipe): the recipe has a sweep, which describes several runs. Run all of them by "
        + "`attune batch \(recipe)`, or the recipe without it by adding --set ~sweep"
    case .inputsChanged(let path, let files):
      "\(path): the run's inputs have changed since it began: \(files.joined(separator: ", ")). Put "
        + "them back, start a new run, or, to evaluate only, pass --accept inputs"
    case .notARun(let path, let reason): "\(path): not a run directory: \(reason)"
    case .weightsDoNotFit(let path, let problems, let size):
      "\(path): the weights do not fit the model: " + (size.map { $0 + ". " } ?? "")
        + problems.prefix(8).joined(separator: "; ")
        + (problems.count > 8 ? "; and \(problems.count - 8) more" : "")
        + ". Check model.backbone's size, or set model.strict: report"
    case .layoutUnknown(let path, let tried, let hint):
      "\(path): its keys are of no layout that the backbone reads (tried "
        + tried.joined(separator: ", ") + "). " + hint
    case .dataTooShort(let what): what
    case .contract(let input, let differences):
      "\(input): not what the run was trained on: "
        + differences.map { "\($0.name): expected \($0.expected), found \($0.found)" }
        .joined(separator: "; ")
        + ". Give a fitting input, or pass "
        + differences.map { "--accept \($0.name)" }.joined(separator: " ")
    case .settingInvalid(let field, let found, let expected):
      "\(field): \(found), expected \(expected). Change the field"
    case .featuresChange(let reason, let remedy):
      "train.cache_frozen_features: \(reason). \(remedy)"
    case .featuresTooLarge(let path, let needed, let free):
      "train.cache_frozen_features: the features take \(Numbers.bytes(needed)), the disk of \(path) has "
        + "\(Numbers.bytes(free)) free. Make room, set output.dir to another disk, or leave the field out"
    }
  }
}
