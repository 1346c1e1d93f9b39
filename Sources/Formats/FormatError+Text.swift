extension FormatError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .fileMissing(let path):
      "\(path): no such file or folder. Check the path; relative paths start at the working folder."
    case .cannotRead(let path, let reason):
      "\(path): cannot be read (\(reason)). Check that it is a file and that you may read it."
    case .malformed(let path, let format, let reason):
      "\(path): not a valid \(format) file (\(reason)). Fetch or write it again."
    case .unsupported(let path, let what, let remedy):
      "\(path): \(what) is not supported. \(remedy)"
    case .objectMissing(let path, let object, let kind, let available):
      "\(path): \(kind) '\(object)' not found (\(Self.list(available))). Use a name that it has."
    case .wrongAxes(let path, let object, let expected, let found):
      "\(path): '\(object)' has shape \(found), expected \(expected.count) axes "
        + "[\(expected.joined(separator: ", "))]. Check the layout that the recipe declares."
    case .outOfBounds(let path, let object, let start, let count, let shape):
      "\(path): '\(object)' has shape \(shape); start \(start), count \(count) lies outside. "
        + "Ask for a part inside the array."
    case .wrongElementType(let path, let object, let expected, let found):
      "\(path): '\(object)' holds \(found), expected \(expected). Choose another object."
    case .outputExists(let path, let replacing):
      "\(path): exists already. \(replacing), or choose another name."
    case .cannotCreate(let path, let reason):
      "\(path): cannot be created (\(reason)). Check that the folder exists and is writable."
    case .writeFailed(let path, let reason):
      "\(path): writing failed (\(reason)); nothing was left under this name. "
        + "Check the free space."
    }
  }

  private static let shownNames = 12

  private static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "the file has none" }
    let shown = names.prefix(shownNames).joined(separator: ", ")
    let rest = names.count - shownNames
    return rest > 0 ? "the file has \(shown) and \(rest) more" : "the file has \(shown)"
  }
}
