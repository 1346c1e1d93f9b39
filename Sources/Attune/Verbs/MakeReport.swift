import Foundation
package import Reports

/// A report that was written.
package struct MadeReport {
  package var directory: String
  /// Of a comparison; nil for one run.
  package var summary: ComparisonSummary?
}

/// Rebuilds the report of one run, or compares several.
///
/// Without `output` the report goes to `report/` of the run, or beside the first run's folder.
package func makeReport(of runs: [String], to output: String?) throws -> MadeReport {
  let documents = try runs.map { try RunDocument(directory: $0) }
  if documents.count == 1 {
    let directory = output ?? runs[0] + "/report"
    try writeReport(for: documents[0], to: directory)
    return MadeReport(directory: directory, summary: nil)
  }
  let parent = URL(fileURLWithPath: runs.first ?? ".").deletingLastPathComponent().path
  let directory = output ?? parent + "/report"
  return MadeReport(
    directory: directory, summary: try writeComparison(of: documents, to: directory))
}
