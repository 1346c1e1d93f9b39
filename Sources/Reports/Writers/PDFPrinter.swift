internal import Formats
internal import Foundation

/// Prints a report's page as PDF by the machine's own Chromium, which the program does not bring.
package struct PDFPrinter {
  /// Names by which distributions install it, in the order of the search.
  package static let names = ["chromium", "chromium-browser", "google-chrome"]

  private let program: String
  /// Seconds until a browser that does not end is ended.
  private static let patience = 120.0

  /// - Parameter path: folders to search, separated by colons, as in PATH.
  /// - Throws: `ReportError.noBrowser`.
  package init(path: String = ProcessInfo.processInfo.environment["PATH"] ?? "") throws(ReportError)
  {
    let folders = path.split(separator: ":").map(String.init)
    let found = Self.names.lazy.flatMap { name in folders.lazy.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let found else { throw .noBrowser(names: Self.names) }
    program = found
  }

  /// Writes `report.pdf` beside `report.html`; it appears as a whole or not at all.
  ///
  /// - Returns: the file's path.
  /// - Throws: `ReportError.printFailed`, `FormatError` where the file cannot be written.
  @discardableResult
  package func print(_ directory: String) throws -> String {
    let folder = URL(filePath: directory, directoryHint: .isDirectory)
    let scratch = FileManager.default.temporaryDirectory
      .appending(path: "attune-print-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let printed = scratch.appending(path: "report.pdf")
    let status = try run(
      page: folder.appending(path: "report.html").absoluteURL, to: printed, scratch: scratch)
    guard status == 0, let content = try? Data(contentsOf: printed), !content.isEmpty else {
      throw ReportError.printFailed(program: program, status: Int(status))
    }
    let file = folder.appending(path: "report.pdf").path
    try writeAtomically(content, to: file)
    return file
  }

  /// The browser's exit status; its messages go nowhere.
  private func run(page: URL, to file: URL, scratch: URL) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: program)
    // Chromium's sandbox refuses the superuser; the page holds no script and fetches nothing.
    process.arguments =
      (geteuid() == 0 ? ["--no-sandbox"] : [])
      + [
        "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--no-pdf-header-footer",
        "--user-data-dir=\(scratch.appending(path: "profile").path)",
        "--print-to-pdf=\(file.path)", page.absoluteString,
      ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch {
      throw ReportError.printFailed(program: program, status: -1)
    }
    let deadline = Date(timeIntervalSinceNow: Self.patience)
    while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.05) }
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
    }
    process.waitUntilExit()
    return process.terminationStatus
  }
}
