/// One thing that is wrong with a data set.
package struct DataProblem: Codable, Sendable, Equatable {
  /// How bad it is.
  package enum Severity: String, Codable, Sendable, CaseIterable, Comparable {
    /// A run on these data stops, or leaves the sample out where the recipe says so.
    case error
    /// A run goes on; what it sees may not be what is meant.
    case warning

    package static func < (first: Severity, second: Severity) -> Bool {
      first == .error && second == .warning
    }
  }

  /// What is wrong; docs/data-check.md explains each.
  package enum Kind: String, Codable, Sendable, CaseIterable {
    /// A file that cannot be read to its end.
    case unreadable
    /// A sample without a file where it should have one, or a folder that is not there.
    case absent
    /// Missing values beyond a share that harms.
    case noData = "no-data"
    /// NaN or infinity that is no marker of missing values.
    case notFinite = "not-finite"
    /// A band that is the same everywhere.
    case constantBand = "constant-band"
    /// Pixels without a class.
    case unlabelled
    /// A stored value that is no class.
    case labelUnknown = "label-unknown"
    /// Other bands than the other files'.
    case bandsDiffer = "bands-differ"
    /// Another number of rows or columns than the other files'.
    case sizeDiffers = "size-differs"
    /// Another coordinate system than the other files'.
    case systemDiffers = "crs-differs"
    /// Two files with the same content.
    case duplicate
    /// A sample in two parts of a split.
    case splitOverlap = "split-overlap"
    /// A table or folder that is not as the layout says.
    case layout
    /// Coordinates that are missing or not even, or too few frames.
    case coordinates
  }

  /// Path below what was checked; empty for what concerns no single file.
  package var file: String
  /// Sample; empty for what concerns no single one.
  package var id: String
  /// Component, input or field; empty where the layout knows none.
  package var component: String
  package var kind: Kind
  package var severity: Severity
  /// One sentence: what was found and what was expected.
  package var message: String

  package init(
    _ kind: Kind, _ severity: Severity, file: String = "", id: String = "",
    component: String = "", _ message: String
  ) {
    self.kind = kind
    self.severity = severity
    self.file = file
    self.id = id
    self.component = component
    self.message = message
  }
}
