/// A component that a recipe selects: its registered name and its options, which the component's own
/// table decodes.
///
/// An `OptionReader` must be made of it, or the recipe is refused: nothing may go unread.
package struct Component: Sendable {
  package let name: String
  /// Where the name stands, for an unknown one.
  package let nameLocation: SourceLocation
  package let options: Deferred
  /// Values of the fields that the owner declared beside the component's own.
  package let beside: OptionReader

  package var location: SourceLocation { options.location }
  package var path: String { options.path }
}

/// Fields of a map that another table decodes later.
package struct Deferred: Sendable {
  package let path: String
  package let location: SourceLocation
  /// Who reads them, in messages: `adapter method salt`.
  package fileprivate(set) var owner: String
  /// Fields outside the table that was read first.
  package let fields: [Located.Entry]
  /// Fields that the first table knows by name and leaves to the second.
  package let forwarded: [Located.Entry]
  /// Names of the first table, for nearest-name hints.
  package let neighbors: [String]

  /// Whether there is nothing to read.
  package var isEmpty: Bool { fields.isEmpty && forwarded.isEmpty }

  func owned(by owner: String) -> Deferred {
    var copy = self
    copy.owner = owner
    return copy
  }
}
