import Foundation
import Recipes
import Reports
import Testing

@Suite struct PDFPrinterTests {
  /// A folder with programs of these names, which run this shell script.
  private func folder(_ names: [String], _ script: String) throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "printer-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in names {
      let file = folder.appending(path: name)
      try Data("#!/bin/sh\n\(script)\n".utf8).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }
    return folder
  }

  @Test("without a browser the message says what to install; code 69")
  func missing() throws {
    let empty = try folder([], "")
    defer { try? FileManager.default.removeItem(at: empty) }
    let error = try #require(throws: ReportError.self) { try PDFPrinter(path: empty.path) }
    #expect(error == .noBrowser(names: ["chromium", "chromium-browser", "google-chrome"]))
    #expect(error.exitCode == .unavailable && error.exitCode.rawValue == 69)
    #expect("\(error)".contains("apt install chromium"))
  }

  @Test("what the browser prints becomes report.pdf, and its files are cleared away")
  func printed() throws {
    let script =
      #"for a; do case $a in --print-to-pdf=*) printf '%%PDF-1.4 %s' "$*" > "${a#*=}";; esac; done"#
    let folder = try folder(["google-chrome"], script)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = try PDFPrinter(path: "/nowhere:\(folder.path)").print(folder.path)
    #expect(path == folder.appending(path: "report.pdf").path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasPrefix("%PDF-1.4") && text.contains("--headless"))
    #expect(text.hasSuffix("file://\(folder.appending(path: "report.html").path)"))
    let argument = try #require(
      text.split(separator: " ").first { $0.hasPrefix("--print-to-pdf=") })
    #expect(!FileManager.default.fileExists(atPath: String(argument.dropFirst(15))))
  }

  @Test("a browser that fails or prints nothing leaves an older file as it was")
  func failed() throws {
    for script in ["exit 3", "exit 0"] {
      let folder = try folder(["chromium"], script)
      defer { try? FileManager.default.removeItem(at: folder) }
      let old = folder.appending(path: "report.pdf")
      try Data("old".utf8).write(to: old)
      let error = try #require(throws: ReportError.self) {
        try PDFPrinter(path: folder.path).print(folder.path)
      }
      #expect(
        error
          == .printFailed(
            program: folder.path + "/chromium", status: script == "exit 3" ? 3 : 0))
      #expect(error.exitCode == .unavailable)
      #expect(try Data(contentsOf: old) == Data("old".utf8))
    }
  }
}
