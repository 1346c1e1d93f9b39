import Foundation
import TestSupport
import Testing

import Formats

/// One after the other, since the number of open handles is counted for the whole process.
@Suite("HDF5", .serialized) struct HDF5Tests {
  @Suite("writing") struct Writing {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("streams blocks into one dataset") func streams() throws {
      let path = folder.file("out.h5")
      let writer = try HDF5Writer(path: path)
      try writer.createGroup("empty/inner")
      try writer.createDataset("tensor", shape: [3, 4], chunk: [1, 4], compression: 9)
      for row in 0..<3 {
        let values = (0..<4).map { Float(10 * row + $0) }
        try writer.write(values, to: "tensor", start: [row, 0], count: [1, 4])
      }
      try writer.writeDataset("scalar", shape: [], values: [7])
      #expect(try folder.names.count == 1)
      #expect(!FileManager.default.fileExists(atPath: path))
      try writer.finish()
      #expect(try folder.names == ["out.h5"])
      let file = try HDF5File(reading: path)
      #expect(
        try file.dataset("tensor").readFloats() == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23])
      #expect(try file.dataset("scalar").readFloats() == [7])
      #expect(try file.children(of: "empty") == ["inner"])
    }

    @Test("leaves nothing when dropped, and keeps the file that was there")
    func dropped() throws {
      let path = try folder.write(Data("older".utf8), to: "out.h5")
      do {
        let writer = try HDF5Writer(path: path)
        try writer.writeDataset("x", shape: [2], values: [1, 2])
      }
      #expect(try folder.names == ["out.h5"])
      #expect(try Data(contentsOf: URL(filePath: path)) == Data("older".utf8))
    }

    @Test("a name that exists twice and a block outside are refused") func refuses() throws {
      let writer = try HDF5Writer(path: folder.file("out.h5"))
      try writer.createDataset("x", shape: [2])
      #expect(throws: FormatError.self) { try writer.createDataset("x", shape: [2]) }
      #expect(throws: FormatError.self) {
        try writer.write([1, 2] as [Float], to: "x", start: [1], count: [2])
      }
      let error = #expect(throws: FormatError.self) {
        try HDF5Writer(path: folder.file("no/such/folder/out.h5"))
      }
      #expect(error?.category == .cannotCreate)
    }
  }
}
