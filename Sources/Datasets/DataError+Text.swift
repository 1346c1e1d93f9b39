extension DataError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .solverFailed(let equation, let reason, let remedy):
      "\(equation): \(reason). \(remedy)"
    }
  }
}
