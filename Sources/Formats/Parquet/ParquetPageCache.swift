import Synchronization

/// Decoded pages of all columns of the process, the latest used ones.
///
/// Writers put whole shards into one page or dictionary, which is decoded as a whole for any of its
/// rows; so it must be kept for the next one, but not for every shard of a data set.
enum ParquetPageCache {
  /// A page of one column.
  struct Key: Sendable, Equatable {
    let column: Int
    let isDictionary: Bool
    let number: Int
  }

  private struct Entry: Sendable {
    let key: Key
    let content: ParquetPage.Content
  }

  /// Most bytes that are kept, but for the latest page and its dictionary, which may be larger.
  private static let largestSize = 1 << 29
  private static let counter = Atomic(0)
  /// The latest used last.
  private static let entries = Mutex<[Entry]>([])

  /// A number for a column, never given twice.
  static func newColumn() -> Int { counter.add(1, ordering: .relaxed).newValue }

  static subscript(key: Key) -> ParquetPage.Content? {
    entries.withLock { entries in
      guard let place = entries.lastIndex(where: { $0.key == key }) else { return nil }
      let entry = entries.remove(at: place)
      entries.append(entry)
      return entry.content
    }
  }

  static func insert(_ content: ParquetPage.Content, _ key: Key) {
    entries.withLock { entries in
      entries.append(Entry(key: key, content: content))
      var size = entries.reduce(0) { $0 + $1.content.size }
      while size > largestSize, entries.count > 2 { size -= entries.removeFirst().content.size }
    }
  }

  /// Forgets the pages of a column.
  static func remove(column: Int) {
    entries.withLock { $0.removeAll { $0.key.column == column } }
  }
}

extension ParquetPage.Content {
  /// Bytes in memory, those of a dictionary too.
  fileprivate var size: Int { bytes.count + cells.count * MemoryLayout<Range<Int>?>.stride }
}
