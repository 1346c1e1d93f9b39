import Foundation
import TestSupport
import Testing

import Formats

extension HDF5Tests {
  @Suite("texts and images") struct Texts {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func sample() throws -> String {
      let path = folder.file("t.h5")
      let writer = try HDF5Writer(path: path)
      try writer.writeTexts("group/label", ["été", "", "winter"])
      try writer.writeDataset("x", shape: [2], values: [1, 2])
      try writer.finish()
      return path
    }

    @Test("texts of variable length are read as written") func texts() throws {
      let file = try HDF5File(reading: try sample())
      #expect(try file.dataset("group/label").readTexts() == ["été", "", "winter"])
      #expect(throws: FormatError.self) { try file.dataset("x").readTexts() }
      #expect(throws: FormatError.self) { try file.dataset("group/label").readFloats() }
      #expect(try file.dataset("x").dimensionNames() == nil)
    }

    @Test("a file reads from memory as from the disk, many at once") func images() throws {
      let path = try sample()
      let bytes = Array(try Data(contentsOf: URL(filePath: path)))
      let files = try (0..<20).map { try HDF5File(image: bytes, path: "shard/\($0).nc") }
      for file in files {
        #expect(try file.dataset("group/label").readTexts() == ["été", "", "winter"])
        #expect(try file.objects() == HDF5File(reading: path).objects())
      }
      let error = #expect(throws: FormatError.self) {
        try HDF5File(image: Array(bytes.dropLast(200)), path: "shard/cut.nc")
      }
      #expect(error?.description.hasPrefix("shard/cut.nc") == true)
      #expect(throws: FormatError.self) { try HDF5File(image: [], path: "shard/empty.nc") }
    }
  }
}
