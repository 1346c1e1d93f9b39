/// What can be wrong with data and with what a recipe asks of them; texts are in `DataError+Text`.
package enum DataError: Error, Sendable, Equatable {
  /// A solver cannot give the accuracy it promises.
  case solverFailed(equation: String, reason: String, remedy: String)
}
