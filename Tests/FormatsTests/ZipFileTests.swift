import Formats
import Foundation
import TestSupport
import Testing

@Suite("Zip") struct ZipFileTests {
  let folder: TemporaryFolder
  /// `attune ` a hundred times, deflated.
  private let deflated: [UInt8] = [
    75, 44, 41, 41, 205, 75, 85, 72, 28, 165, 70, 169, 161, 70, 1, 0,
  ]
  private let inflated = Array(String(repeating: "attune ", count: 100).utf8)

  init() throws { folder = try TemporaryFolder() }

  private func open(_ builder: ZipBuilder) throws -> ZipFile {
    try ZipFile(path: try folder.write(builder.data, to: "a.zip"))
  }

  @Test("reads stored and deflated entries, with narrow and wide sizes", arguments: [false, true])
  func reads(isZIP64: Bool) throws {
    var builder = ZipBuilder()
    builder.isZIP64 = isZIP64
    builder.add("a/b.txt", Array("hello".utf8))
    builder.add("a/", [])
    builder.add(
      "c", deflated, method: 8, size: 700, checksum: ZipBuilder.checksum(inflated))
    builder.add("empty", [])
    let zip = try open(builder)
    #expect(zip.entries.map(\.name) == ["a/b.txt", "c", "empty"])
    #expect(try zip.content(of: try #require(zip["a/b.txt"])) == Array("hello".utf8))
    #expect(try zip.content(of: try #require(zip["c"])) == inflated)
    #expect(try zip.content(of: try #require(zip["empty"])).isEmpty)
    #expect(zip["none"] == nil)
  }

  @Test("extracts an entry to a file as a whole or not at all")
  func extracts() throws {
    var builder = ZipBuilder()
    builder.add("a.txt", Array("hello".utf8))
    builder.add("c", deflated, method: 8, size: 700, checksum: ZipBuilder.checksum(inflated))
    builder.add("empty", [])
    builder.add("long", deflated, method: 8, size: 699, checksum: ZipBuilder.checksum(inflated))
    builder.add("sum", Array("hello".utf8), checksum: 1)
    builder.add("short", deflated, method: 8, size: 701, checksum: ZipBuilder.checksum(inflated))
    let zip = try open(builder)
    for (name, content) in [("a.txt", Array("hello".utf8)), ("c", inflated), ("empty", [])] {
      try zip.extract(try #require(zip[name]), to: folder.file(name))
      #expect(try Array(Data(contentsOf: URL(filePath: folder.file(name)))) == content)
    }
    for name in ["long", "short", "sum"] {
      let entry = try #require(zip[name])
      let error = #expect(throws: FormatError.self) {
        try zip.extract(entry, to: folder.file(name))
      }
      #expect(error?.category == .invalidData)
    }
    #expect(try folder.names == ["a.txt", "a.zip", "c", "empty"])
  }

  @Test(
    "refuses names that lead outside",
    arguments: ["../x", "a/../../x", "/etc/passwd", "a\\b", "a/..", ""])
  func names(name: String) throws {
    var builder = ZipBuilder()
    builder.add(name, [1])
    let error = #expect(throws: FormatError.self) { try open(builder) }
    #expect(error?.category == .invalidData)
  }

  @Test("refuses claims that cannot be true before allocating") func bombs() throws {
    var builder = ZipBuilder()
    builder.add("bomb", deflated, method: 8, size: 1 << 31)
    #expect(throws: FormatError.self) { try open(builder) }
    var wide = ZipBuilder()
    wide.isZIP64 = true
    wide.add("bomb", deflated, method: 8, size: 1 << 50)
    #expect(throws: FormatError.self) { try open(wide) }
    var stored = ZipBuilder()
    stored.add("a", [1, 2], size: 3)
    #expect(throws: FormatError.self) { try open(stored) }
  }

  @Test("refuses damaged content, methods it does not know and names that occur twice")
  func damaged() throws {
    var builder = ZipBuilder()
    builder.add("sum", [1, 2, 3], checksum: 7)
    builder.add("stream", [9, 9, 9], method: 8, size: 5)
    builder.add("short", deflated, method: 8, size: 600)
    builder.add("long", deflated, method: 8, size: 701)
    let zip = try open(builder)
    for entry in zip.entries {
      let error = #expect(throws: FormatError.self) { try zip.content(of: entry) }
      #expect(error?.description.contains("'\(entry.name)'") == true)
    }
    var method = ZipBuilder()
    method.add("a", [1], method: 12)
    #expect(throws: FormatError.self) { try open(method) }
    var twice = ZipBuilder()
    twice.add("a", [1])
    twice.add("a", [1])
    #expect(throws: FormatError.self) { try open(twice) }
  }

  @Test("survives being cut off or changed at any byte") func fuzz() throws {
    var builder = ZipBuilder()
    builder.isZIP64 = true
    builder.add("a/b.txt", Array("hello".utf8))
    builder.add("c", deflated, method: 8, size: 700, checksum: ZipBuilder.checksum(inflated))
    let whole = builder.data
    for count in 0..<whole.count {
      let path = try folder.write(whole.prefix(count), to: "cut.zip")
      #expect(throws: FormatError.self) { try ZipFile(path: path) }
    }
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= 0xFF
      let path = try folder.write(bytes, to: "changed.zip")
      guard let zip = try? ZipFile(path: path) else { continue }
      for entry in zip.entries { _ = try? zip.content(of: entry) }
    }
  }
}
