package import Foundation

/// The data beside the project, which tests use where it is present.
package enum Shared {
  /// `../shared` seen from the package root.
  package static let root: URL = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "../shared").standardizedFileURL

  package static var isPresent: Bool { FileManager.default.fileExists(atPath: root.path) }

  /// Path of a file given relative to `root`.
  package static func path(_ relative: String) -> String { root.appending(path: relative).path }
}
