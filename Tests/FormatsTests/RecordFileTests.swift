import Foundation
import Formats
import TestSupport
import Testing

@Suite("A file of records")
struct RecordFileTests {
  private let folder: TemporaryFolder
  private let layout = RecordLayout(
    description: "bytes", count: 10, recordBytes: 3, groupSize: 4)

  init() throws { folder = try TemporaryFolder() }

  private func open(_ layout: RecordLayout? = nil) throws -> RecordFile {
    try RecordFile(path: folder.file("a.records"), layout: layout ?? self.layout)
  }

  /// Bytes of a group that hold its number.
  private func bytes(_ group: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(10 + group), count: 3 * layout.members(ofGroup: group).count)
  }

  private func fill(_ file: RecordFile, _ groups: [Int]) throws {
    for group in groups {
      try bytes(group).withUnsafeBytes { bytes in try file.write(bytes, ofGroup: group) }
    }
  }

  private func content(_ file: RecordFile) -> [[UInt8]?] {
    (0..<layout.groupCount).map { file.records(ofGroup: $0).map(Array.init) }
  }

  @Test("is filled in any order, and goes on where an earlier process stopped")
  func resumes() throws {
    let first = try open()
    #expect(first.origin == .made)
    #expect(content(first) == [nil, nil, nil])
    try fill(first, [2, 0])
    #expect(content(first) == [bytes(0), nil, bytes(2)])
    #expect(bytes(2).count == 6)

    let second = try open()
    #expect(second.origin == .found(completeGroups: 2))
    #expect(content(second) == [bytes(0), nil, bytes(2)])
    try fill(second, [1])
    #expect(content(first) == [bytes(0), bytes(1), bytes(2)])
    #expect(try folder.names == ["a.records"])
  }

  @Test("misses a group whose bytes changed, were not flushed, or have no mark")
  func damage() throws {
    let path = folder.file("a.records")
    try fill(try open(), [0, 1, 2])
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    let size = try handle.seekToEnd()
    // One byte of the last group.
    try handle.seek(toOffset: size - 1)
    try handle.write(contentsOf: Data([0]))
    let file = try open()
    #expect(content(file) == [bytes(0), bytes(1), nil])
    try fill(file, [2])
    #expect(content(try open()) == [bytes(0), bytes(1), bytes(2)])
    // All marks.
    try handle.seek(toOffset: 4096)
    try handle.write(contentsOf: Data(count: 8 * layout.groupCount))
    #expect(content(try open()) == [nil, nil, nil])
  }

  @Test("is made again when it is cut off, is no such file, or was made for something else")
  func replaced() throws {
    let path = folder.file("a.records")
    try fill(try open(), [0, 1, 2])
    let whole = try Data(contentsOf: URL(filePath: path))
    func origin(_ data: Data, _ layout: RecordLayout? = nil) throws -> RecordFile {
      try data.write(to: URL(filePath: path))
      return try open(layout)
    }
    #expect(content(try origin(whole)) == [bytes(0), bytes(1), bytes(2)])
    let other = RecordLayout(description: "other", count: 10, recordBytes: 3, groupSize: 4)
    for (data, layout) in [
      (whole.dropLast(1), self.layout), (Data("text".utf8), self.layout), (Data(), self.layout),
      (Data(count: whole.count), self.layout), (whole, other),
    ] {
      let file = try origin(data, layout)
      guard case .replaced = file.origin else {
        Issue.record("\(data.count) bytes: \(file.origin)")
        continue
      }
      #expect(content(file) == [nil, nil, nil])
      #expect(try Data(contentsOf: URL(filePath: path)).count == layout.byteCount)
    }
  }

  @Test("has its space from the start, and leaves nothing where there is none")
  func space() throws {
    let file = try open()
    var status = stat()
    #expect(stat(file.path, &status) == 0)
    #expect(Int(status.st_blocks) * 512 >= layout.byteCount)

    let endless = RecordLayout(
      description: "", count: 1 << 20, recordBytes: 1 << 40, groupSize: 1 << 10)
    let error = #expect(throws: FormatError.self) {
      _ = try RecordFile(path: folder.file("b.records"), layout: endless)
    }
    #expect(error?.category == .cannotCreate)
    #expect(try folder.names == ["a.records"])
  }
}
