import Foundation
import Recipes

/// The folder that a data set is fetched into: no path leads out of it, by `..` or by a link.
struct TargetFolder: Sendable {
  let path: String

  /// Absolute path of a file below, after the folders on the way were made.
  ///
  /// The folder itself may be a link, what lies below may not.
  ///
  /// - Throws: `FetchError.leadsOut`, `.cannotCreate`.
  func place(for relative: String) throws(FetchError) -> String {
    guard DataCard.File.staysInside(relative) else {
      throw .leadsOut(path: relative, part: relative)
    }
    try make(path)
    var place = path
    let parts = relative.split(separator: "/")
    for part in parts.dropLast() {
      place += "/" + part
      switch Self.kind(of: place) {
      case nil: try make(place)
      case S_IFDIR: break
      default: throw .leadsOut(path: path + "/" + relative, part: place)
      }
    }
    place += "/" + parts[parts.count - 1]
    guard [nil, S_IFREG].contains(Self.kind(of: place)) else {
      throw .leadsOut(path: place, part: place)
    }
    return place
  }

  /// Whether a regular file lies there.
  func has(_ relative: String) -> Bool { Self.kind(of: path + "/" + relative) == S_IFREG }

  /// Size of a regular file; nil where there is none.
  static func size(of path: String) -> Int? {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  private func make(_ folder: String) throws(FetchError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotCreate(path: folder, reason: error.localizedDescription)
    }
  }

  /// Type bits of what has that name, links not followed; nil where nothing has.
  private static func kind(of path: String) -> mode_t? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT
  }
}
