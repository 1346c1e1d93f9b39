extension DataError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .planInvalid(let key, let found, let expected):
      "data make: \(key) is \(found), expected \(expected)."
    case .solverFailed(let equation, let reason, let remedy):
      "\(equation): \(reason). \(remedy)"
    }
  }
}
