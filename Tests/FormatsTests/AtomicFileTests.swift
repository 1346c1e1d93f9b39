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

  @Test("a folder appears only when complete, and replaces the older one") func folders() throws {
    let path = folder.file("step-1")
    for text in ["first", "second"] {
      let directory = try AtomicDirectory(path: path)
      try FileManager.default.createDirectory(
        atPath: directory.file("inner"), withIntermediateDirectories: false)
      try writeAtomically(Data(text.utf8), to: directory.file("inner/\(text).txt"))
      try directory.commit()
      #expect(try folder.names == ["step-1"])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: path + "/inner") == ["\(text).txt"])
    }
  }

  @Test("a dropped folder leaves nothing; those of killed writers are found")
  func leftovers() throws {
    let path = folder.file("step-1")
    do {
      let directory = try AtomicDirectory(path: path)
      try writeAtomically(Data("x".utf8), to: directory.file("x"))
      #expect(AtomicDirectory.leftovers(of: path).isEmpty)
    }
    #expect(try folder.names == [])
    try FileManager.default.createDirectory(
      atPath: folder.file(".step-1.tmp-1-1"), withIntermediateDirectories: false)
    #expect(AtomicDirectory.leftovers(of: path) == [folder.file(".step-1.tmp-1-1")])
  }

  @Test("a mapped file shows its bytes, and writing into the memory leaves the file alone")
  func mapped() throws {
    let path = try folder.write(Data([1, 2, 3]), to: "a.bin")
    let file = try MappedFile(path: path)
    #expect(Array(file.bytes) == [1, 2, 3])
    file.bytes[0] = 9
    #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3]))
    #expect(try MappedFile(path: try folder.write(Data(), to: "empty")).bytes.isEmpty)
    #expect(throws: FormatError.fileMissing(path: folder.file("none"))) {
      try MappedFile(path: folder.file("none"))
    }
    #expect(throws: FormatError.self) { try MappedFile(path: folder.path) }
  }

  @Test("leaves no descriptor open in 10,000 mappings and writings") func descriptors() throws {
    let path = folder.file("a.bin")
    for round in 0..<10_000 {
      let file = round % 10 == 0 ? try AtomicFile(path: path) : nil
      try file?.write(Data([1]))
      if round % 20 == 0 { try file?.commit() }
      #expect(try MappedFile(path: path).bytes.count == 1)
    }
    let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0)
    }
    #expect(!links.contains { $0.hasPrefix(folder.path) })
    #expect(try folder.names == ["a.bin"])
  }
}
