/// What can be wrong with data and with what a recipe asks of them; texts are in `DataError+Text`.
package enum DataError: Error, Sendable, Equatable {
  /// A plan of `data make` asks for what there is not.
  case planInvalid(key: String, found: String, expected: String)
  /// A solver cannot give the accuracy it promises.
  case solverFailed(equation: String, reason: String, remedy: String)
}
