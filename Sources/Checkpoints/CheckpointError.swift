package import Formats

/// What can be wrong with a checkpoint or an adapter directory; texts are in
/// `CheckpointError+Text`.
package enum CheckpointError: Error, Sendable, Equatable {
  /// The file itself: missing, cut off, contradictory.
  case file(FormatError)
  /// There is no tensor of this name.
  case tensorMissing(path: String, name: String, available: [String])
  /// One name, two tensors; `places` are file names or the original keys.
  case duplicateTensor(path: String, name: String, places: [String])
  /// A stored element type that no tensor here can hold.
  case unsupportedType(path: String, tensor: String, type: String)
  /// A pickle wants something beyond tensors and plain containers.
  case refusedObject(path: String, name: String)
  /// A weight is infinite or not a number.
  case notFinite(path: String, tensor: String, position: Int)
  /// `peft_type` names a method that is not offered.
  case unknownMethod(path: String, name: String, known: [String])
  /// The rank in the configuration is not that of the tensors.
  case rankMismatch(path: String, tensor: String, configured: Int, found: Int)

  package static func malformed(_ path: String, _ format: String, _ reason: String)
    -> CheckpointError
  {
    .file(.malformed(path: path, format: format, reason: reason))
  }

  /// Group as in `FormatError.Category`, for exit codes.
  package var category: FormatError.Category {
    switch self {
    case .file(let error): error.category
    case .unsupportedType, .unknownMethod: .unsupported
    case .tensorMissing, .duplicateTensor, .refusedObject, .notFinite, .rankMismatch: .invalidData
    }
  }
}
