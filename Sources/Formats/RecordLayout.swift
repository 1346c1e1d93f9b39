import Foundation

/// Sizes and places in a `RecordFile`.
package struct RecordLayout: Sendable, Equatable {
  /// What the records are, in the writer's words: a file with another description is another file.
  package let description: String
  package let count: Int
  package let recordBytes: Int
  /// Records that are written and checked together; the last group may be smaller.
  package let groupSize: Int

  package init(description: String, count: Int, recordBytes: Int, groupSize: Int) {
    precondition(
      count > 0 && recordBytes > 0 && groupSize > 0,
      "\(count) records of \(recordBytes) bytes in groups of \(groupSize)")
    self.description = description
    self.count = count
    self.recordBytes = recordBytes
    self.groupSize = groupSize
  }

  package var groupCount: Int { (count + groupSize - 1) / groupSize }
  /// Size of the whole file.
  package var byteCount: Int { recordsOffset + count * recordBytes }

  /// Records of a group.
  package func members(ofGroup group: Int) -> Range<Int> {
    (group * groupSize)..<min((group + 1) * groupSize, count)
  }

  /// Place of a group's records in the file.
  func range(ofGroup group: Int) -> Range<Int> {
    let members = members(ofGroup: group)
    return
      (recordsOffset + members.lowerBound * recordBytes)..<(recordsOffset + members.upperBound
      * recordBytes)
  }

  func markOffset(of group: Int) -> Int { head.count + 8 * group }

  func mark(_ group: Int, in file: UnsafeRawBufferPointer) -> UInt64 {
    UInt64(littleEndian: file.loadUnaligned(fromByteOffset: markOffset(of: group), as: UInt64.self))
  }

  /// Never zero, as the mark of a missing group is.
  static func mark(of records: UnsafeRawBufferPointer) -> UInt64 {
    1 << 32 | UInt64(crc32Checksum(records))
  }

  /// Everything before the marks.
  var head: Data {
    let text = Data(fullDescription.utf8)
    var bytes = Data("attune records 1".utf8)
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(text)
    bytes.append(Data(count: Self.rounded(bytes.count) - bytes.count))
    return bytes
  }

  private var fullDescription: String {
    "\(count) records of \(recordBytes) bytes in groups of \(groupSize)\n\(description)"
  }

  private var recordsOffset: Int { Self.rounded(head.count + 8 * groupCount) }

  private static func rounded(_ count: Int) -> Int { (count + 4095) & ~4095 }

  /// What makes a file another than this layout's, nil where it fits.
  func problem(of path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return "it cannot be opened" }
    defer { try? file.close() }
    guard let length = try? file.seekToEnd(), (try? file.seek(toOffset: 0)) != nil else {
      return "it cannot be read"
    }
    guard length == UInt64(byteCount) else {
      return "it has \(length) bytes, expected \(byteCount)"
    }
    let found = try? file.read(upToCount: head.count)
    return found == head ? nil : "it begins with another description"
  }
}
