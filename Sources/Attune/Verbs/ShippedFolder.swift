import Foundation

/// Folders that come with the program.
enum ShippedFolder {
  /// Where the executable lies, links followed.
  static let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()

  /// The folder `name` beside the `Package.swift` above the executable, or where the environment's
  /// `variable` points; nil where there is neither.
  static func find(
    _ name: String, variable: String, environment: [String: String]
  ) -> String? {
    if let path = environment[variable] { return path }
    var folder = executable.deletingLastPathComponent()
    while folder.path != "/" {
      let found = folder.appending(path: name).path
      if FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path),
        FileManager.default.fileExists(atPath: found)
      {
        return found
      }
      folder.deleteLastPathComponent()
    }
    return nil
  }
}
