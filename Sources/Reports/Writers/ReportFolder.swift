internal import Foundation
internal import Formats

/// Writes a report's four parts into a folder: `report.json`, `report.html`, `report.md` and
/// `figures/`; each file appears as a whole or not at all.
struct ReportFolder {
  let directory: String

  func write(_ report: Report) throws {
    let folder = URL(filePath: directory, directoryHint: .isDirectory)
    let figures = folder.appending(path: "figures", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: figures, withIntermediateDirectories: true)
    for figure in report.figures {
      try write(figure.svg, to: figures.appending(path: "\(figure.name).svg"))
    }
    try write(MarkdownWriter(report: report).text, to: folder.appending(path: "report.md"))
    try write(HTMLWriter(report: report).text, to: folder.appending(path: "report.html"))
    try writeAtomically(try report.json(), to: folder.appending(path: "report.json").path)
  }

  private func write(_ text: String, to file: URL) throws {
    try writeAtomically(Data(text.utf8), to: file.path)
  }
}
