package import Datasets
import Foundation
import Formats
import Recipes

/// What data files hold: facts by name for people, and the whole as JSON keys.
package struct DataFacts<Content: Encodable & Sendable>: Encodable, Sendable {
  package var content: Content
  package var facts: [(name: String, value: String)]

  package func encode(to encoder: any Encoder) throws { try content.encode(to: encoder) }
}

/// What the data at a path hold and what is wrong with them.
///
/// The path is a file, a folder, a name with `*`, or the name of a data set card, whose files are looked
/// for in `root`; without a format the first that fits is taken.
package func checkData(
  _ path: String, root: String? = nil, format: String?
) throws -> CheckedData {
  let place = try DataPlace(path, root: root, format: format)
  return CheckedData(check: try DataCheck.of(place.path, format: place.format))
}

/// What data hold and what is wrong with them, for people; encoded, the whole as JSON keys.
package struct CheckedData: Encodable, Sendable {
  fileprivate let check: DataCheck

  /// Of each file or folder of files.
  package var facts: [[(name: String, value: String)]] { check.contents.map(\.facts) }

  package var hasErrors: Bool { check.problems.contains { $0.severity == .error } }

  /// `2 errors` with a line for each, then the warnings.
  package var problems: [(heading: String, lines: [(name: String, value: String)])] {
    DataProblem.Severity.allCases.compactMap { severity in
      let some = check.problems.filter { $0.severity == severity }
      guard !some.isEmpty else { return nil }
      return (
        "\(some.count) \(severity.rawValue)\(some.count == 1 ? "" : "s")",
        some.map { ($0.kind.rawValue, text(of: $0)) }
      )
    }
  }

  private func text(of problem: DataProblem) -> String {
    let place = [problem.file, problem.id].first { !$0.isEmpty } ?? check.path
    let isNamed = problem.id.isEmpty || place.contains(problem.id)
    return "\(place): \(isNamed ? "" : problem.id + ": ")\(problem.message)"
  }

  package func encode(to encoder: any Encoder) throws { try check.encode(to: encoder) }
}

/// Data on the disk, named by a path or by a card.
private struct DataPlace {
  let path: String
  let format: String?

  init(_ path: String, root: String?, format: String?) throws {
    let isThere = FileManager.default.fileExists(atPath: path) || path.contains("*")
    guard !isThere, let card = try? ShippedCards.card(path) else {
      (self.path, self.format) = (path, format)
      return
    }
    self.path = root ?? card.name
    self.format = format ?? card.formatName
  }
}

extension DataCard {
  /// Name of the data format that the card gives; nil where it gives none.
  fileprivate var formatName: String? {
    guard let format = data?["format"] else { return nil }
    if case .text(let name) = (format["name"] ?? format).value { return name }
    return nil
  }
}

/// Statistics of each field over all trajectories at a path, or of each band over all rasters, which must
/// agree in fields and grid, or in bands.
package func dataStatistics(
  _ path: String, format: String?
) throws -> [DataFacts<FieldStatistics>] {
  let isOfRasters = RasterCheck.formats.contains(format ?? "")
  let trajectories = isOfRasters ? [] : (try? dataFiles(path)) ?? []
  let statistics: [FieldStatistics]
  if let first = trajectories.first {
    let name = try format ?? PDECheck.formatName(of: first)
    statistics = try pdeStatistics(of: trajectories, format: try trajectoryFormat(name))
  } else {
    statistics = try RasterCheck.statistics(of: path, format: format)
  }
  return statistics.map { field in
    let numbers: [(String, Double)] = [
      ("mean", field.mean), ("deviation", field.standardDeviation), ("minimum", field.minimum),
      ("maximum", field.maximum),
    ]
    let quantiles = zip(FieldStatistics.shares, field.quantiles).map { share, value in
      ("\((100 * share).formatted()) %", value)
    }
    return DataFacts(
      content: field,
      facts: [("field", field.field), ("values", "\(field.count)")]
        + (numbers + quantiles).map { ($0, String(format: "%.6g", $1)) })
  }
}

private func trajectoryFormat(
  _ name: String
) throws(CommandLineError) -> any TrajectoryFormat.Type {
  guard let format = trajectoryFormats[name] else {
    throw CommandLineError(
      description: "--format \(name): expected one of "
        + trajectoryFormats.names.joined(separator: ", "))
  }
  return format
}

private func dataFiles(_ path: String) throws -> [String] {
  try FileSearch.files(
    path, root: FilePath.current,
    suffixes: trajectoryFormats.entries.flatMap { $0.suffixes }.uniqued())
}
