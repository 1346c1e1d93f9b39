package import Foundation

/// A new empty folder of its own, removed with its content when the value goes out of use.
package final class TemporaryDirectory: Sendable {
  package let url: URL
  package var path: String { url.path }

  package init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "attune-test-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Absolute path of a file in the folder, which need not exist.
  package func path(_ relative: String) -> String { url.appending(path: relative).path }

  /// Writes a text file, making the folders above it, and returns its absolute path.
  @discardableResult
  package func write(_ text: String, to relative: String) throws -> String {
    let file = url.appending(path: relative)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    return file.path
  }
}
