import Formats
import Foundation
import TestSupport
import Testing

@Suite("npy") struct NPYFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file with the given header text and data.
  private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) throws -> NPYFile {
    let length = UInt8(header.utf8.count)
    let lengthBytes = version == 1 ? [length, 0] : [length, 0, 0, 0]
    let bytes = [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + Array(header.utf8)
    return try NPYFile(path: try folder.write(Data(bytes + data), to: "a.npy"))
  }

  @Test("what is written is read back, whole and in parts") func roundTrip() throws {
    let values = (0..<24).map { Float($0) - 3.5 }
    let path = try folder.write(NPYFile.encode(values, shape: [2, 3, 4]), to: "a.npy")
    let array = try NPYFile(path: path)
    #expect(array.shape == [2, 3, 4])
    #expect(array.readFloats() == values)
    #expect(
      try array.readFloats(start: [1, 1, 2], count: [1, 2, 2])
        == [18, 19, 22, 23].map { Float($0) - 3.5 })
    #expect(throws: FormatError.self) { try array.readFloats(start: [1, 1, 2], count: [2, 1, 1]) }
    #expect(throws: FormatError.self) { try array.readIntegers() }
    let scalar = NPYFile.encode([2.5] as [Double], shape: [])
    #expect(try NPYFile(bytes: Array(scalar), path: "scalar").readDoubles() == [2.5])
    let long = NPYFile.encode([1, -1, .max] as [Int64], shape: [3])
    #expect(try NPYFile(bytes: Array(long), path: "long").readIntegers() == [1, -1, .max])
  }

  @Test("is laid out as NumPy writes it") func layout() {
    let bytes = Array(NPYFile.encode([1, 2] as [Float], shape: [2]))
    #expect(bytes.count == 128 + 8)
    #expect(bytes[127] == 0x0A)
    let text = String(decoding: bytes[10..<68], as: UTF8.self)
    #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"))
  }

  @Test("reads column-major arrays, all versions and other types", arguments: [1, 2, 3] as [UInt8])
  func versions(version: UInt8) throws {
    let fortran = try file(
      "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n",
      [0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5, 0], version: version)
    #expect(fortran.readFloats() == [0, 1, 2, 3, 4, 5])
    #expect(try fortran.readIntegers() == [0, 1, 2, 3, 4, 5])
    #expect(try fortran.readFloats(start: [0, 1], count: [2, 1]) == [1, 4])
    let flags = try file(
      "{\"shape\": (2L,), \"descr\": '|b1', 'fortran_order': False}", [1, 0], version: version)
    #expect(flags.readFloats() == [1, 0])
  }

  @Test(
    "refuses headers that are wrong and data of another length",
    arguments: [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8), }",
      "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '<f4', 'fortran_order': False, }", "{'descr': '<f4'", "", "(2,)",
    ])
  func refuses(header: String) {
    #expect(throws: FormatError.self) { try file(header, [0, 0, 0, 0, 0, 0, 0, 0]) }
  }

  @Test("refuses files that are cut off or something else") func cut() throws {
    let whole = NPYFile.encode([1, 2] as [Float], shape: [2])
    for count in 0..<whole.count {
      #expect(throws: FormatError.self) {
        try NPYFile(bytes: Array(whole.prefix(count)), path: "cut")
      }
    }
  }

  @Test(
    "reads arrays inside a NumPy archive", .enabled(if: Shared.isPresent, "../shared is absent"))
  func archive() throws {
    let zip = try ZipFile(path: Shared.path("fixtures/vit/jax_layout.npz"))
    #expect(zip.entries.count == 40)
    let entry = try #require(zip["embedding/kernel.npy"])
    let kernel = try NPYFile(bytes: try zip.content(of: entry), path: zip.path)
    #expect(kernel.shape == [8, 8, 3, 32])
    #expect(abs(kernel.readDoubles().reduce(0, +) + 0.5717957555675639) < 1e-9)
  }
}
