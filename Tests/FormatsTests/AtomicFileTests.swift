import Foundation
import TestSupport
import Testing

import Formats

@Suite("Atomic writing") struct AtomicFileTests {
  struct Stop: Error {}
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("a file appears only when complete, and replaces the older one") func replaces() throws {
    let path = try folder.write(Data("older".utf8), to: "a.txt")
    let file = try AtomicFile(path: path)
    try file.write(Data("new".utf8))
    try file.write(Data("er".utf8))
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("older".utf8))
    try file.commit()
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("newer".utf8))
    #expect(try folder.names == ["a.txt"])
  }

  @Test("a failure in the middle leaves the older file and nothing else") func fails() throws {
    let path = try folder.write(Data("older".utf8), to: "a.txt")
    #expect(throws: Stop.self) {
      try writeAtomically(to: path) { file in
        try file.write(Data("half".utf8))
        throw Stop()
      }
    }
    #expect(try folder.names == ["a.txt"])
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("older".utf8))
  }

  @Test("a missing folder is reported as such") func missingFolder() throws {
    let error = #expect(throws: FormatError.self) {
      try writeAtomically(Data("x".utf8), to: folder.file("none/a.txt"))
    }
    #expect(error?.category == .cannotCreate)
  }
}
