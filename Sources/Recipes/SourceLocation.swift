/// Where a value was written: a place in a file, or an override of the command line.
package struct SourceLocation: Sendable, Hashable {
  /// The file as the user named it, `--set "a.b=1"`, or `default`.
  package var source: String
  /// Counted from 1; nil for overrides and defaults.
  package var line: Int?
  /// Counted from 1 in Unicode scalars; nil for overrides and defaults.
  package var column: Int?
  /// Relative paths written here are relative to this folder.
  package var directory: String

  package init(source: String, line: Int? = nil, column: Int? = nil, directory: String = ".") {
    self.source = source
    self.line = line
    self.column = column
    self.directory = directory
  }
}

extension SourceLocation: CustomStringConvertible {
  /// `recipe.yaml:12:3`, or the source alone.
  package var description: String {
    ([source] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
  }
}
