import Foundation
import Recipes

/// Looks at files of trajectories.
enum TrajectoryCheck: DataChecker {
  static var formats: [String] { trajectoryFormats.names }

  static func fits(_ path: String) -> Bool {
    guard let first = try? files(path).first else { return false }
    return (try? PDECheck.formatName(of: first)) != nil
  }

  static func check(_ path: String, format: String?) throws -> DataCheck {
    let type = format.flatMap { trajectoryFormats[$0] }
    var checks: [PDECheck] = []
    var problems: [DataProblem] = []
    for file in try files(path) {
      do {
        let (check, found) = try PDECheck.of(file, format: type)
        checks.append(check)
        problems += found
      } catch {
        let name = (file as NSString).lastPathComponent
        let kind = error is DataError ? DataProblem.Kind.layout : .unreadable
        problems.append(.init(kind, .error, file: file, id: name, "\(error)"))
      }
    }
    guard !checks.isEmpty || !problems.isEmpty else {
      throw DataError.noFiles(pattern: path, suffixes: suffixes, available: [])
    }
    return DataCheck(
      path: path, format: checks.first?.format ?? format ?? "",
      contents: checks.map { .init($0, facts: $0.facts) }, problems: problems)
  }

  private static var suffixes: [String] { trajectoryFormats.entries.flatMap { $0.suffixes } }

  private static func files(_ path: String) throws -> [String] {
    var seen = Set<String>()
    return try FileSearch.files(
      path, root: FileManager.default.currentDirectoryPath,
      suffixes: suffixes.filter { seen.insert($0).inserted })
  }
}

extension PDECheck {
  /// What people read.
  fileprivate var facts: [(name: String, value: String)] {
    var facts: [(String, String)] = [
      ("file", path), ("format", format), ("trajectories", "\(trajectories) of \(frames) frames"),
      ("grid", "\(space)"), ("fields", fields.map(\.name).joined(separator: ", ")),
    ]
    if let interval { facts.append(("time step", "\(Float(interval))")) }
    let spacing = spacing.compactMap { $0.map { "\(Float($0))" } }
    if !spacing.isEmpty { facts.append(("spacing", spacing.joined(separator: ", "))) }
    let coefficients =
      parameters.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      + varyingParameters.map { "\($0) (varies)" }
    if !coefficients.isEmpty {
      facts.append(("coefficients", coefficients.joined(separator: ", ")))
    }
    return facts
  }
}
