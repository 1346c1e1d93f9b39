import Foundation
import TestSupport
import Testing

import Formats

extension HDF5Tests {
  @Suite("reading") struct Reading {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A file with a group of two datasets: 4×3×2 floats counting up, and doubles.
    private func sample() throws -> String {
      let path = folder.file("sample.h5")
      let writer = try HDF5Writer(path: path)
      try writer.createDataset("run/field", shape: [4, 3, 2], chunk: [2, 3, 1], compression: 4)
      try writer.write(
        (0..<24).map { Float($0) }, to: "run/field", start: [0, 0, 0], count: [4, 3, 2])
      try writer.createDataset("time", shape: [3], type: .float64)
      try writer.write([0.1, 0.2, 0.3] as [Double], to: "time", start: [0], count: [3])
      try writer.setAttribute("nu", to: .numbers([0.01]))
      try writer.setAttribute("grid", of: "run", to: .texts(["periodic", "wall"]))
      try writer.setAttribute("config", of: "run/field", to: .texts(["a: 1\n"]))
      try writer.finish()
      return path
    }

    @Test("lists groups and datasets with their layout") func lists() throws {
      let objects = try HDF5File(reading: try sample()).objects()
      #expect(objects.map(\.path) == ["run", "run/field", "time"])
      #expect(objects.map(\.kind) == [.group, .dataset, .dataset])
      let field = try #require(objects[1].layout)
      #expect(field.shape == [4, 3, 2])
      #expect(field.chunk == [2, 3, 1])
      #expect(field.filters.map(\.identifier) == [2, 1])
      #expect(field.elementType == .float(bytes: 4))
      #expect(objects[2].layout?.elementType == .float(bytes: 8))
      #expect(objects[2].layout?.chunk == nil)
    }

    @Test("reads only the block asked for") func hyperslab() throws {
      let field = try HDF5File(reading: try sample()).dataset("run/field")
      let block = try field.readFloats(start: [1, 1, 0], count: [2, 2, 2])
      #expect(block == [8, 9, 10, 11, 14, 15, 16, 17])
      #expect(try field.readFloats(start: [4, 0, 0], count: [0, 3, 2]).isEmpty)
      #expect(try field.readFloats() == (0..<24).map { Float($0) })
    }

    @Test("converts stored types") func converts() throws {
      let time = try HDF5File(reading: try sample()).dataset("/time")
      #expect(try time.readFloats() == [0.1, 0.2, 0.3])
      #expect(try time.readDoubles() == [0.1, 0.2, 0.3])
      #expect(throws: FormatError.self) { try time.readIntegers() }
    }

    @Test("reads attributes of the file, of groups and of datasets") func attributes() throws {
      let file = try HDF5File(reading: try sample())
      #expect(try file.attribute("nu")?.number == 0.01)
      #expect(try file.attribute("grid", of: "run") == .texts(["periodic", "wall"]))
      #expect(try file.attribute("config", of: "run/field")?.text == "a: 1\n")
      #expect(try file.attribute("rho") == nil)
      #expect(try file.attributes(of: "run") == ["grid": .texts(["periodic", "wall"])])
      #expect(throws: FormatError.self) { try file.attribute("nu", of: "walk") }
    }

    @Test("names what the file has when a dataset is missing") func missing() throws {
      let path = try sample()
      let file = try HDF5File(reading: path)
      let error = #expect(throws: FormatError.self) { try file.dataset("run/velocity") }
      #expect(
        error
          == .objectMissing(
            path: path, object: "run/velocity", kind: "dataset", available: ["run/field", "time"]))
      #expect(throws: FormatError.self) { try file.dataset("run") }
      #expect(throws: FormatError.self) { try file.children(of: "time") }
      #expect(try file.children(of: "") == ["run", "time"])
    }

    @Test("refuses another number of axes and blocks outside") func bounds() throws {
      let field = try HDF5File(reading: try sample()).dataset("run/field")
      #expect(try field.shape(axes: ["t", "y", "x"]) == [4, 3, 2])
      #expect(throws: FormatError.self) { try field.shape(axes: ["n", "t", "y", "x"]) }
      for (start, count) in [
        ([0, 0], [1, 1]), ([0, 0, 1], [4, 3, 2]), ([-1, 0, 0], [1, 1, 1]),
        ([0, 0, 0], [1, -1, 1]), ([Int.max, 0, 0], [Int.max, 1, 1]),
      ] {
        let error = #expect(throws: FormatError.self) {
          try field.readFloats(start: start, count: count)
        }
        #expect(error?.category == .invalidData)
      }
    }

    @Test("tells missing, foreign and cut-off files apart") func unreadable() throws {
      let missing = #expect(throws: FormatError.self) {
        try HDF5File(reading: folder.file("none.h5"))
      }
      #expect(missing?.category == .inputMissing)
      let foreign = try folder.write(Data("not HDF5 at all".utf8), to: "text.h5")
      let error = #expect(throws: FormatError.self) { try HDF5File(reading: foreign) }
      #expect(error?.category == .invalidData)
      #expect(error?.description.contains("signature") == true)
      let whole = try Data(contentsOf: URL(filePath: try sample()))
      for kept in [0, 8, 100, whole.count / 2, whole.count - 1] {
        let path = try folder.write(whole.prefix(kept), to: "cut.h5")
        let error = #expect(throws: FormatError.self) { try HDF5File(reading: path) }
        #expect(error?.category == .invalidData)
      }
      #expect(throws: FormatError.self) { try HDF5File(reading: folder.path) }
    }

    @Test("leaks nothing in 10,000 openings, nor when something fails in the middle")
    func handles() async {
      // In a process of its own: libhdf5 counts the handles of all tests together.
      await #expect(processExitsWith: .success) {
        let folder = try TemporaryFolder()
        let path = folder.file("sample.h5")
        let writer = try HDF5Writer(path: path)
        try writer.writeDataset("run/field", shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
        try writer.finish()
        for _ in 0..<10_000 {
          let field = try HDF5File(reading: path).dataset("run/field")
          try requireFailure { _ = try field.readFloats(start: [4, 0], count: [1, 1]) }
        }
        try requireHandles(0)
        do {
          let file = try HDF5File(reading: path)
          try requireFailure { _ = try file.dataset("none") }
          try requireFailure { _ = try file.attribute("a", of: "none") }
          try requireHandles(1)
        }
        let cut = try folder.write(Data(contentsOf: URL(filePath: path)).prefix(100), to: "cut.h5")
        try requireFailure { _ = try HDF5File(reading: cut) }
        do {
          let unfinished = try HDF5Writer(path: folder.file("dropped.h5"))
          try unfinished.writeDataset("x", shape: [2], values: [1, 2])
        }
        try requireHandles(0)
      }
    }

    @Test("a damaged chunk is an error that names the dataset") func damagedChunk() throws {
      let path = folder.file("noise.h5")
      let noise = (0..<4096).map { Float(($0 &* 1_103_515_245 &+ 12345) % 65521) }
      let writer = try HDF5Writer(path: path)
      try writer.createDataset("noise", shape: [4096], chunk: [4096], compression: 4)
      try writer.write(noise, to: "noise", start: [0], count: [4096])
      try writer.finish()
      var bytes = try Data(contentsOf: URL(filePath: path))
      let middle = bytes.count / 2
      for position in middle..<middle + 2000 { bytes[position] ^= 0x5A }
      try bytes.write(to: URL(filePath: path))
      let dataset = try HDF5File(reading: path).dataset("noise")
      let error = #expect(throws: FormatError.self) { try dataset.readFloats() }
      #expect(error?.description.contains("noise") == true)
      #expect(error?.category == .invalidData)
    }

    @Test("an unknown filter is refused by its number") func unknownFilter() throws {
      let path = try sample()
      var bytes = try Data(contentsOf: URL(filePath: path))
      let name = try #require(bytes.range(of: Data("deflate".utf8)))
      // The number stands 8 bytes before the name.
      bytes.replaceSubrange(name.lowerBound - 8..<name.lowerBound - 6, with: [0x01, 0x7D])
      try bytes.write(to: URL(filePath: path))
      let file = try HDF5File(reading: path)
      let error = #expect(throws: FormatError.self) { try file.dataset("run/field") }
      #expect(error?.category == .unsupported)
      #expect(error?.description.contains("filter 32001") == true)
      #expect(try file.objects()[1].layout?.filters.map(\.isAvailable) == [true, false])
    }

    @Test("many threads may read one file") func threads() async throws {
      let file = try HDF5File(reading: try sample())
      let field = try file.dataset("run/field")
      let sum = try await withThrowingTaskGroup(of: Float.self) { group in
        for row in 0..<64 {
          group.addTask {
            try field.readFloats(start: [row % 4, 0, 0], count: [1, 3, 2]).reduce(0, +)
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(sum == 16 * Float(23 * 24 / 2))
    }
  }

  @Suite("published layouts", .enabled(if: Shared.isPresent, "../shared is absent"))
  struct Published {
    @Test("LZF chunks equal the gzip copy", arguments: ["0000", "0001"])
    func lzf(sample: String) throws {
      let lzf = try HDF5File(reading: Shared.path("data/pde/2D_diff-react_NA_NA.h5"))
      let gzip = try HDF5File(reading: Shared.path("data/pde/2D_diff-react_NA_NA_gzip.h5"))
      let left = try lzf.dataset("\(sample)/data")
      let right = try gzip.dataset("\(sample)/data")
      #expect(left.layout.filters.map(\.identifier).contains(32000))
      #expect(!right.layout.filters.map(\.identifier).contains(32000))
      #expect(left.shape == [21, 64, 64, 2])
      #expect(try left.readFloats() == (try right.readFloats()))
      #expect(try left.readFloats(start: [5, 3, 0, 1], count: [2, 2, 64, 1]).count == 256)
      #expect(try lzf.attribute("config", of: sample)?.text?.contains(":") == true)
    }

    @Test("reads a byte field as numbers and the parameters as attributes")
    func parameters() throws {
      let darcy = try HDF5File(reading: Shared.path("data/pde/neuralop_darcy_16_train.hdf5"))
      let field = try darcy.dataset("x")
      #expect(field.layout.elementType == .integer(bytes: 1, isSigned: false))
      #expect(Set(try field.readFloats(start: [0, 0, 0], count: [10, 16, 16])) == [0, 1])
      #expect(Set(try field.readIntegers()) == [0, 1])
      let burgers = try HDF5File(reading: Shared.path("data/pde/1D_Burgers_Sols_Nu0.01.hdf5"))
      let viscosity = try #require(try burgers.attribute("Nu")?.number)
      #expect(abs(viscosity - 0.01) < 1e-8)
      #expect(try burgers.dataset("tensor").shape(axes: ["n", "t", "x"]) == [16, 41, 256])
    }
  }
}

private struct UnexpectedHandles: Error {
  let count: Int
}

private struct NoFailure: Error {}

private func requireHandles(_ count: Int) throws {
  guard HDF5File.openHandleCount == count else {
    throw UnexpectedHandles(count: HDF5File.openHandleCount)
  }
}

private func requireFailure(_ body: () throws -> Void) throws {
  do { try body() } catch { return }
  throw NoFailure()
}
