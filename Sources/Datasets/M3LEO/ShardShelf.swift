import Foundation
import Formats
import Synchronization

/// Shards that were opened, so that each is opened once.
final class ShardShelf: Sendable {
  /// How a shard's file ends.
  static let suffix = ".zstd.parquet"

  private let shards = Mutex<[String: M3LEOShard]>([:])

  /// A chip by the path of its file, or of its shard with the chip's identifier behind it.
  ///
  /// - Throws: `FormatError` for a shard that cannot be read, or has no such chip.
  func chip(at path: String, of component: M3LEOComponent) throws -> ChipFile {
    guard let shardPath = Self.shardPath(of: path) else { return ChipFile(path: path) }
    let shard = try shards.withLock { shards in
      if let known = shards[shardPath] { return known }
      let shard = try M3LEOShard(path: shardPath)
      shards[shardPath] = shard
      return shard
    }
    let names = component.fileNames(for: String(path.dropFirst(shardPath.count + 1)))
    guard
      let row = shard.rows(of: component).first(where: { names.contains($0.fileName) })
    else {
      throw FormatError.objectMissing(
        path: shardPath, object: names.joined(separator: " or "), kind: "chip",
        available: shard.rows.prefix(5).map(\.fileName))
    }
    return shard.file(row)
  }

  /// The shard that a path lies in; nil for a file of its own.
  static func shardPath(of path: String) -> String? {
    path.range(of: suffix + "/").map { String(path[..<$0.upperBound].dropLast()) }
  }
}
