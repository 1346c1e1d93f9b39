package import Foundation

/// The folder of this package, found from the place of this source file.
package enum PackageFolder {
  package static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file or folder of the package, named from its root.
  package static func url(_ relative: String) -> URL { root.appending(path: relative) }
}

/// The folder of parity cases and data beside the package.
///
/// Tests that need it carry `.enabled(if: Shared.isPresent, "../shared is absent")`.
package enum Shared {
  package static let root = PackageFolder.root.deletingLastPathComponent().appending(path: "shared")

  package static var isPresent: Bool { FileManager.default.fileExists(atPath: root.path) }

  /// Absolute path of a file or folder named from the shared folder's root.
  package static func path(_ relative: String) -> String { root.appending(path: relative).path }
}
