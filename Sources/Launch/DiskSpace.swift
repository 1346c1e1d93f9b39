internal import Foundation

/// Bytes that the disk of a path, which need not exist yet, has free for this user; nil where the
/// system does not say.
package func freeDiskBytes(near path: String) -> Int? {
  var place = URL(filePath: path)
  while !FileManager.default.fileExists(atPath: place.path), place.path != "/" {
    place.deleteLastPathComponent()
  }
  let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
  return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
}
