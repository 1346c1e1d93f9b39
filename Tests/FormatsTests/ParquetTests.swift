import Foundation
import TestSupport
import Testing

import Formats

@Suite("Parquet")
struct ParquetTests {
  private static let rowCount = 23

  /// The content of a row of the stored files, as `make_parquet.py` says.
  private static func cell(_ row: Int) -> [UInt8]? {
    row % 7 == 3 ? nil : (0..<(37 * row % 61)).map { UInt8((row + $0) % 256) }
  }

  private static func path(_ name: String) -> String {
    PackageFolder.url("Tests/FormatsTests/Golden/\(name).parquet").path
  }

  private static func contents(_ path: String) throws -> [[UInt8]?] {
    let column = try ParquetFile(path: path).column("content")
    return try (0..<column.count).map { try column.value($0) }
  }

  @Test(
    "reads what pyarrow writes",
    arguments: ["zstd", "plain", "snappy", "version2", "nested", "required"])
  func values(name: String) throws {
    let file = try ParquetFile(path: Self.path(name))
    #expect(file.rowCount == Self.rowCount)
    #expect(file.columnNames.prefix(3) == ["path", "ds", "content"])
    let paths = (0..<Self.rowCount).map { "component/chip\($0).tif" }
    #expect(try file.column("path").texts() == paths)
    #expect(
      try file.column("ds").texts() == Array(repeating: "component", count: Self.rowCount))
    let expected = (0..<Self.rowCount).map { Self.cell($0) ?? (name == "required" ? [] : nil) }
    #expect(try Self.contents(Self.path(name)) == expected)
    // In any order.
    let column = try file.column("content")
    for row in [22, 0, 11, 3, 12, 21, 1] { #expect(try column.value(row) == expected[row]) }
  }

  @Test("rows may be read from many threads") func threads() async throws {
    let column = try ParquetFile(path: Self.path("zstd")).column("content")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for thread in 0..<8 {
        group.addTask {
          for step in 0..<500 {
            let row = (step * 5 + thread) % Self.rowCount
            let found = try column.value(row)
            #expect(found == Self.cell(row))
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("what is not read is refused by name") func unsupported() throws {
    var error = #expect(throws: FormatError.self) { try Self.contents(Self.path("gzip")) }
    #expect(error?.description.contains("compression gzip of column 'content'") == true)
    let nested = try ParquetFile(path: Self.path("nested"))
    #expect(nested.columnNames == ["path", "ds", "content", "size", "place"])
    error = #expect(throws: FormatError.self) { try nested.column("size") }
    #expect(error?.description.contains("holds int64, expected bytes") == true)
    error = #expect(throws: FormatError.self) { try nested.column("place") }
    #expect(error?.category == .unsupported)
    error = #expect(throws: FormatError.self) { try nested.column("contents") }
    #expect(error?.description.contains("path, ds, content, size, place") == true)
  }

  @Test("a file cut anywhere is refused") func truncated() throws {
    let folder = try TemporaryFolder()
    let bytes = try Data(contentsOf: URL(filePath: Self.path("zstd")))
    for count in stride(from: 0, to: bytes.count, by: 7) {
      let path = try folder.write(bytes.prefix(count), to: "cut.parquet")
      let error = #expect(throws: FormatError.self) { try Self.contents(path) }
      #expect(error?.description.hasPrefix(path) == true)
    }
  }

  /// Flipped bits lie anywhere; checksums of pages make changed values errors.
  @Test(
    "a flipped bit gives an error or the same values", arguments: ["zstd", "plain", "version2"])
  func flipped(name: String) throws {
    let folder = try TemporaryFolder()
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: Self.path(name))))
    let expected = try Self.contents(Self.path(name))
    var failures = 0
    for trial in 0..<1500 {
      let bit = trial * 8 * bytes.count / 1500
      bytes[bit / 8] ^= 1 << UInt8(trial % 8)
      let path = try folder.write(Data(bytes), to: "flipped.parquet")
      do {
        #expect(try Self.contents(path) == expected, "byte \(bit / 8), bit \(trial % 8)")
      } catch let error as FormatError {
        failures += 1
        #expect(error.description.hasPrefix(path))
      }
      bytes[bit / 8] ^= 1 << UInt8(trial % 8)
    }
    // The rest are statistics and indexes, which are not read.
    #expect(failures > 250)
  }

  @Test("random bytes in the place of parts of a file never trap") func garbage() throws {
    let folder = try TemporaryFolder()
    let original = [UInt8](try Data(contentsOf: URL(filePath: Self.path("snappy"))))
    var state: UInt64 = 1
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for _ in 0..<2000 {
      var bytes = original
      for _ in 0..<(1 + random(6)) { bytes[4 + random(bytes.count - 8)] = UInt8(random(256)) }
      let path = try folder.write(Data(bytes), to: "garbage.parquet")
      do {
        #expect(try Self.contents(path).count == Self.rowCount)
      } catch let error as FormatError {
        #expect(error.description.hasPrefix(path))
      }
    }
  }

  @Test("a page that claims more than its bytes can hold is refused before memory is taken")
  func bomb() throws {
    let folder = try TemporaryFolder()
    // One required column, one uncompressed page that claims 2 GiB less one byte.
    let header: [UInt8] = [
      0x15, 0x00, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x15, 0x08,  // kind, sizes 2³¹−1 and 4
      0x2C, 0x15, 0x02, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00,  // one plain value
    ]
    let page = header + [0, 0, 0, 0]
    func footer(codec: UInt8, rows: UInt8, size: UInt8) -> [UInt8] {
      [
        0x15, 0x02, 0x19, 0x2C, 0x48, 0x01, 0x72, 0x15, 0x02, 0x00,  // version, root "r" of one
        0x15, 0x0C, 0x25, 0x00, 0x18, 0x07, 0x63, 0x6F, 0x6E, 0x74, 0x65, 0x6E, 0x74, 0x00,
        0x16, rows, 0x19, 0x1C, 0x19, 0x1C, 0x26, 0x08, 0x1C,  // rows, one group, one column
        0x15, 0x0C, 0x19, 0x15, 0x00, 0x19, 0x18, 0x07, 0x63, 0x6F, 0x6E, 0x74, 0x65, 0x6E, 0x74,
        0x15, codec, 0x16, rows, 0x16, size, 0x16, size, 0x26, 0x08, 0x00, 0x00,
        0x16, size, 0x16, rows, 0x00, 0x00,
      ]
    }
    func file(codec: UInt8, rows: UInt8) throws -> String {
      let end = footer(codec: codec, rows: rows, size: UInt8(2 * page.count))
      let length = withUnsafeBytes(of: UInt32(end.count).littleEndian) { Array($0) }
      let bytes = Array("PAR1".utf8) + page + end + length + Array("PAR1".utf8)
      return try folder.write(Data(bytes), to: "bomb.parquet")
    }
    for codec: UInt8 in [0, 2, 12] {
      let error = #expect(throws: FormatError.self) {
        try Self.contents(file(codec: codec, rows: 2))
      }
      #expect(error?.description.contains("claims to hold 2147483647") == true, "\(error as Any)")
    }
    let error = #expect(throws: FormatError.self) { try Self.contents(file(codec: 0, rows: 4)) }
    #expect(error?.description.contains("too few values") == true, "\(error as Any)")
  }
}
