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

/// What each file of trajectories at a path holds and what is wrong with it.
///
/// The path is a file, a folder, or a name with `*`; without a format the first that fits is taken.
package func checkData(
  _ path: String, format: String?
) throws -> [DataFacts<PDECheck>] {
  let type = try format.map(trajectoryFormat)
  return try dataFiles(path).map { file in
    let check = try PDECheck.of(file, format: type)
    var facts: [(String, String)] = [
      ("file", check.path), ("format", check.format),
      ("trajectories", "\(check.trajectories) of \(check.frames) frames"),
      ("grid", "\(check.space)"),
      ("fields", check.fields.map(\.name).joined(separator: ", ")),
    ]
    if let interval = check.interval { facts.append(("time step", "\(Float(interval))")) }
    let spacing = check.spacing.compactMap { $0.map { "\(Float($0))" } }
    if !spacing.isEmpty { facts.append(("spacing", spacing.joined(separator: ", "))) }
    let parameters =
      check.parameters.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      + check.varyingParameters.map { "\($0) (varies)" }
    if !parameters.isEmpty { facts.append(("coefficients", parameters.joined(separator: ", "))) }
    facts += check.problems.map { ("problem", $0) }
    if check.problems.isEmpty { facts.append(("problems", "none")) }
    return DataFacts(content: check, facts: facts)
  }
}

/// Statistics of each field over all trajectories at a path, which must agree in fields and grid.
package func dataStatistics(
  _ path: String, format: String?
) throws -> [DataFacts<FieldStatistics>] {
  let files = try dataFiles(path)
  let name = try format ?? PDECheck.formatName(of: files[0])
  let statistics = try pdeStatistics(
    of: files, format: try trajectoryFormat(name))
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
