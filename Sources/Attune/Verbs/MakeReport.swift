import Foundation
package import Reports

/// A report that was written.
package struct MadeReport {
  package var directory: String
  /// Of a comparison; nil for one run.
  package var summary: ComparisonSummary?
  /// The printed file; nil where none was asked for.
  package var pdf: String?
}

/// Rebuilds the report of one run, or compares several.
///
/// Without `output` the report goes to `report/` of the run, or beside the first run's folder.
///
/// - Parameters:
///   - runs: folders of runs.
///   - output: the report's folder.
///   - pdf: also prints it; a browser is looked for before anything is written.
/// - Returns: where it stands.
/// - Throws: `ReportError`, with the code of what is unavailable where nothing can print.
package func makeReport(
  of runs: [String], to output: String?, pdf: Bool = false
) throws -> MadeReport {
  let printer = pdf ? try PDFPrinter() : nil
  var made = try report(of: runs, to: output)
  made.pdf = try printer?.print(made.directory)
  return made
}

private func report(of runs: [String], to output: String?) throws -> MadeReport {
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
