internal import Recipes

/// Writes `report.html`, `report.md`, `report.json` and `figures/` for one run.
///
/// - Throws: `FormatError` when a file cannot be written.
package func writeReport(for run: RunDocument, to directory: String) throws {
  try ReportFolder(directory: directory).write(Report(run))
}

/// Writes the same files for several runs side by side.
///
/// - Returns: The numbers of the comparison, as they stand in `report.json`.
/// - Throws: `ReportError` when the runs cannot be sorted into arms, `FormatError` when a file cannot
///   be written.
@discardableResult
package func writeComparison(
  of runs: [RunDocument], to directory: String
) throws -> ComparisonSummary {
  let comparison = try Comparison(runs)
  let report = Report(comparison)
  try ReportFolder(directory: directory).write(report)
  return ComparisonSummary(comparison)
}

extension Report {
  /// The report on one run.
  package init(_ run: RunDocument) {
    self.init(
      title: "Run \(run.record.name), seed \(run.record.seed)",
      sections: RunSection.all.compactMap { section in
        let blocks = section.blocks(run)
        return blocks.isEmpty ? nil : Section(title: section.title, blocks: blocks)
      }, records: [run.record])
  }

  /// The report on several runs; their sample pictures are left to their own reports.
  init(_ comparison: Comparison) {
    let runs = comparison.arms.flatMap(\.runs)
    self.init(
      title: Self.title(comparison.arms.map(\.name)),
      sections: ComparisonSection.all.compactMap { section in
        let blocks = section.blocks(comparison)
        return blocks.isEmpty ? nil : Section(title: section.title, blocks: blocks)
      },
      records: runs.flatMap(\.candidates).map { candidate in
        var record = candidate.document.record
        record.samples = []
        return record
      }, comparison: ComparisonSummary(comparison))
  }

  private static func title(_ names: [String]) -> String {
    guard names.count > 4 else { return "Comparison of \(names.joined(separator: ", "))" }
    return "Comparison of \(names.prefix(3).joined(separator: ", ")) and \(names.count - 3) others"
  }

  /// The report on several runs.
  package init(comparing runs: [RunDocument]) throws(ReportError) {
    self.init(try Comparison(runs))
  }
}
