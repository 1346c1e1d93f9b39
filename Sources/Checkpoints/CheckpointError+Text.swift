import Formats

extension CheckpointError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .file(let error):
      error.description
    case .tensorMissing(let path, let name, let available):
      "\(path): tensor '\(name)' not found (\(Self.list(available))). "
        + "Check that the file belongs to this model."
    case .duplicateTensor(let path, let name, let places):
      "\(path): tensor '\(name)' occurs twice (\(places.joined(separator: ", "))). "
        + "Remove one of them."
    case .unsupportedType(let path, let tensor, let type):
      "\(path): tensor '\(tensor)' has element type \(type), which is not read. "
        + "Convert it to F32, F16 or BF16."
    case .refusedObject(let path, let name):
      "\(path): the pickle refers to '\(name)'; only tensors and plain containers are read, and "
        + "nothing is executed. Save the state dictionary alone, or as safetensors."
    case .notFinite(let path, let tensor, let position):
      "\(path): tensor '\(tensor)' is not finite (element \(position)). "
        + "Use a checkpoint from before the run diverged."
    case .unknownMethod(let path, let name, let known):
      "\(path): peft_type '\(name)' is unknown, expected one of \(known.joined(separator: ", ")). "
        + "Correct peft_type, or read the adapter with the program that wrote it."
    case .rankMismatch(let path, let tensor, let configured, let found):
      "\(path): tensor '\(tensor)' has rank \(found), the configuration says \(configured). "
        + "Correct r or rank_pattern in adapter_config.json."
    }
  }

  private static let shownNames = 5

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "the checkpoint has none" }
    let shown = names.prefix(shownNames).joined(separator: ", ")
    let rest = names.count - shownNames
    return rest > 0 ? "it has \(shown) and \(rest) more" : "it has \(shown)"
  }
}

/// Runs `body` and reports its file errors as those of a checkpoint.
func reportingFiles<Result>(
  _ body: () throws(FormatError) -> Result
) throws(CheckpointError) -> Result {
  do { return try body() } catch { throw .file(error) }
}
