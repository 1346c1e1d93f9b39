/// Why a recipe cannot be used.
package enum RecipeError: ExitCoded {
  /// All errors found in one reading.
  case invalid([Diagnostic])
  case fileMissing(path: String)
  case fileUnreadable(path: String, reason: String)
  case fileUnwritable(path: String, reason: String)
  /// A registry holds an entry of this name already.
  case nameTaken(kind: String, name: String)
  case unknownName(kind: String, name: String, known: [String])
  case malformedLine(file: String, line: Int, reason: String)

  /// All errors that a reading left.
  package init(_ diagnostics: Diagnostics) {
    self = .invalid(diagnostics.errors)
  }

  package var exitCode: ExitCode {
    switch self {
    case .invalid, .unknownName: .invalidRecipe
    case .fileMissing: .inputMissing
    case .fileUnreadable, .fileUnwritable: .readOrWriteFailed
    case .nameTaken: .internalError
    case .malformedLine: .malformedData
    }
  }
}
