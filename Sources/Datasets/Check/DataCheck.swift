import Foundation
import Recipes

/// What a data set holds and what is wrong with it: the result of `data check`.
package struct DataCheck: Encodable, Sendable {
  /// One thing that was looked at: a file, or a folder of files of a kind.
  package struct Content: Encodable, Sendable {
    package var facts: [(name: String, value: String)]
    private let value: any Encodable & Sendable

    package init(_ value: some Encodable & Sendable, facts: [(name: String, value: String)]) {
      self.value = value
      self.facts = facts
    }

    package func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
  }

  package var path: String
  package var format: String
  package var contents: [Content]
  package var problems: [DataProblem]

  private enum CodingKeys: String, CodingKey { case path, format, contents, problems }

  package init(
    path: String, format: String, contents: [Content], problems: [DataProblem]
  ) {
    self.path = path
    self.format = format
    self.contents = contents
    self.problems = problems.sorted {
      ($0.severity, $0.file, $0.id, $0.component, $0.kind.rawValue)
        < ($1.severity, $1.file, $1.id, $1.component, $1.kind.rawValue)
    }
  }

  /// Looks at a file, a folder, or a name with `*`.
  ///
  /// - Parameters:
  ///   - path: what to look at.
  ///   - format: name of the data format; nil takes the first whose layout fits.
  /// - Returns: what was found, problems sorted by severity and place.
  /// - Throws: `DataError` where there is nothing of a known layout, or no format of that name.
  package static func of(_ path: String, format: String? = nil) throws -> DataCheck {
    let known = dataCheckers.flatMap(\.formats)
    if let format, !known.contains(format) {
      throw DataError.optionInvalid(
        key: "--format", found: format, expected: "one of " + known.joined(separator: ", "))
    }
    let fitting = dataCheckers.first { checker in
      format.map(checker.formats.contains) ?? checker.fits(path)
    }
    guard let fitting else {
      throw DataError.layoutUnknown(
        path: path, format: "data", expected: "files of a known format", available: known)
    }
    return try fitting.check(path, format)
  }
}

/// Looks at data of some formats.
protocol DataChecker: SendableMetatype {
  /// Names of the formats.
  static var formats: [String] { get }
  /// Whether what lies at a path looks like one of them.
  static func fits(_ path: String) -> Bool
  /// Reads everything; bad files and values do not end the check.
  static func check(_ path: String, format: String?) throws -> DataCheck
}

/// A checker as a value.
private struct AnyDataChecker: Sendable {
  let formats: [String]
  let fits: @Sendable (_ path: String) -> Bool
  let check: @Sendable (_ path: String, _ format: String?) throws -> DataCheck

  init<Checker: DataChecker>(_: Checker.Type) {
    formats = Checker.formats
    fits = { Checker.fits($0) }
    check = { try Checker.check($0, format: $1) }
  }
}

/// In the order in which layouts are tried.
private let dataCheckers = [
  AnyDataChecker(M3LEOCheck.self), AnyDataChecker(TrajectoryCheck.self),
  AnyDataChecker(SceneCheck.self), AnyDataChecker(RasterCheck.self),
]
