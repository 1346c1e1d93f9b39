/// One error or note about a recipe: what, where, and how to mend it.
package struct Diagnostic: Sendable {
  package var location: SourceLocation
  package var path: String
  package var problem: Problem

  package init(_ problem: Problem, at location: SourceLocation, path: String) {
    self.location = location
    self.path = path
    self.problem = problem
  }
}

/// What can be wrong with, or worth a note about, a recipe; texts are in DiagnosticTexts.swift.
package enum Problem: Sendable {
  case syntax(String)
  case unsupportedTag(String)
  case tooManyValues(limit: Int)
  case tooDeep(limit: Int)
  case duplicateKey(first: SourceLocation?)
  case mergeKey
  case unknownKey(known: [String], parent: String, elsewhere: String?)
  case twoSpellings(first: String, second: String, other: SourceLocation)
  case missingKey(expected: String, sentence: String)
  case wrongType(expected: String, found: String, hint: String?)
  case outOfRange(range: String, found: String, unit: String?)
  case wrongCount(expected: ClosedRange<Int>, found: Int)
  case unknownName(kind: String, name: String, known: [String])
  case notTaken(owner: String)
  case unread
  case unknownReference(String)
  case referenceCycle([String])
  case malformedReference(String)
  case environmentUnset(String)
  case malformedOverride(String)
  case nothingToRemove
  case notAMap(found: String)
  case noSuchElement(count: Int)
  case baseCycle([String])
  case baseMissing(String)
  case baseUnreadable(String, reason: String)
  /// A component's own rule: what is wrong, and how to mend it.
  case rule(String, mend: String)
  /// Note: an alias was read as its key.
  case aliasRead(as: String)
}

/// Gathers everything that reading a recipe finds, so that all errors are shown at once.
///
/// Belongs to one reading on one thread. Readers also leave here what they resolved, and which parts
/// of the recipe they took.
package final class Diagnostics {
  /// In the order of discovery; `RecipeError` shows them in the order of the files.
  package private(set) var errors: [Diagnostic] = []
  /// What the user should know, though it is no error: aliases read.
  package private(set) var notes: [Diagnostic] = []
  /// Resolved values, and parts that wait for their table.
  package var resolution = Resolution()
  /// Keys that stand in one place only of a recipe, and their paths, for hints.
  var knownPaths: [String: String] = [:]

  package init() {}

  /// Whether the recipe must be refused.
  package var hasErrors: Bool { !errors.isEmpty }

  /// Records an error about a value.
  package func error(_ problem: Problem, at value: Located) {
    error(problem, at: value.location, path: value.path)
  }

  /// Records an error; the first at a place is kept, since later ones follow from it.
  package func error(_ problem: Problem, at location: SourceLocation, path: String) {
    guard !errors.contains(where: { $0.location == location && $0.path == path }) else { return }
    errors.append(Diagnostic(problem, at: location, path: path))
  }

  /// Records a note.
  package func note(_ problem: Problem, at location: SourceLocation, path: String) {
    notes.append(Diagnostic(problem, at: location, path: path))
  }

  /// Records an error for each part of the recipe that no option table has read.
  ///
  /// Does nothing after other errors, since those keep tables from being asked.
  package func refuseUnread() {
    guard !hasErrors else { return }
    for part in resolution.unread {
      error(.unread, at: part.location, path: part.path)
    }
  }

  /// Throws all errors together, if there are any.
  package func throwErrors() throws(RecipeError) {
    if hasErrors { throw RecipeError(self) }
  }
}
