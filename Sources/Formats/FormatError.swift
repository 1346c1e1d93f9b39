/// What can be wrong with a file that is read or written here; texts are in `FormatError+Text`.
package enum FormatError: Error, Sendable, Equatable {
  /// There is no such file or folder.
  case fileMissing(path: String)
  /// The system refuses to read it: rights, a folder in place of a file, a device error.
  case cannotRead(path: String, reason: String)
  /// The content is not what `format` prescribes: another kind of file, cut off, contradictory.
  case malformed(path: String, format: String, reason: String)
  /// Legal content of a kind that is not read here, with the way out.
  case unsupported(path: String, what: String, remedy: String)
  /// The file holds no object of this name.
  case objectMissing(path: String, object: String, kind: String, available: [String])
  /// An object has other axes than the caller's layout.
  case wrongAxes(path: String, object: String, expected: [String], found: [Int])
  /// The part asked for does not lie inside the array.
  case outOfBounds(path: String, object: String, start: [Int], count: [Int], shape: [Int])
  /// An element type that does not convert to the wanted one.
  case wrongElementType(path: String, object: String, expected: String, found: String)
  /// The output file exists and is not to be replaced; `replacing` says how it would be.
  case outputExists(path: String, replacing: String)
  /// The output file cannot be made.
  case cannotCreate(path: String, reason: String)
  /// Writing stopped half-way; nothing is left under the final name.
  case writeFailed(path: String, reason: String)

  /// Groups failures as the command line's exit codes do.
  package enum Category: Sendable, Equatable {
    /// Exit 66.
    case inputMissing
    /// Exit 65.
    case invalidData
    /// Exit 69.
    case unsupported
    /// Exit 73.
    case cannotCreate
    /// Exit 74.
    case inputOutput
  }

  package var category: Category {
    switch self {
    case .fileMissing, .cannotRead: .inputMissing
    case .malformed, .objectMissing, .wrongAxes, .outOfBounds, .wrongElementType: .invalidData
    case .unsupported: .unsupported
    case .cannotCreate, .outputExists: .cannotCreate
    case .writeFailed: .inputOutput
    }
  }
}
