import Checkpoints
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("npz checkpoints") struct NPZCheckpointTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ members: [(String, [UInt8])]) throws -> any TensorSource {
    var builder = ZipBuilder()
    for (name, bytes) in members { builder.add(name, bytes) }
    return try openCheckpoint(try folder.write(builder.data, to: "a.npz"))
  }

  private func array(_ type: String, _ shape: String, isFortran: Bool, _ data: [UInt8]) -> [UInt8] {
    let order = isFortran ? "True" : "False"
    let header = Array(
      "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(shape)), }\n".utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + data
  }

  @Test("opens stored arrays under their names, whatever their type and order") func stored() throws
  {
    let source = try open([
      ("a/kernel.npy", Array(NPYFile.encode([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]))),
      ("double.npy", Array(NPYFile.encode([0.5] as [Double], shape: []))),
      ("long.npy", Array(NPYFile.encode([7, -7] as [Int64], shape: [2]))),
      ("half.npy", array("<f2", "2,", isFortran: false, [0x00, 0x3C, 0x00, 0xC0])),
      (
        "columns.npy",
        array("<i2", "2, 3", isFortran: true, [0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5, 0])
      ),
    ])
    #expect(source is NPZCheckpoint)
    #expect(source.names == ["a/kernel", "double", "long", "half", "columns"])
    #expect(source.entry("a/kernel") == TensorEntry(shape: [2, 3], type: .f32))
    #expect(source.entry("half")?.type == .f16)
    #expect(try source.tensor("a/kernel").elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
    #expect(try source.tensor("double").elements(as: Double.self) == [0.5])
    #expect(try source.tensor("long").elements(as: Int64.self) == [7, -7])
    #expect(try source.tensor("half").elements(as: Float.self) == [1, -2])
    let columns = try source.tensor("columns")
    #expect(columns.shape == [2, 3])
    #expect(columns.elements(as: Int32.self) == [0, 1, 2, 3, 4, 5])
    let error = #expect(throws: CheckpointError.self) { try source.tensor("kernel") }
    #expect(error?.category == .invalidData)
  }

  @Test("opens a deflated array, its header without the rest") func deflated() throws {
    // zlib's raw stream for 4096 zeros of F32 behind NumPy's header, and its checksum.
    let whole = Array(NPYFile.encode([Float](repeating: 0, count: 4096), shape: [64, 64]))
    let stream = deflate(whole)
    var builder = ZipBuilder()
    builder.add(
      "w.npy", stream, method: 8, size: whole.count, checksum: ZipBuilder.checksum(whole))
    let path = try folder.write(builder.data, to: "deflated.npz")
    let source = try openCheckpoint(path)
    #expect(source.entry("w") == TensorEntry(shape: [64, 64], type: .f32))
    #expect(try source.tensor("w").elements(as: Float.self).allSatisfy { $0 == 0 })

    var damaged = ZipBuilder()
    damaged.add("w.npy", stream, method: 8, size: whole.count, checksum: 1)
    let bad = try openCheckpoint(try folder.write(damaged.data, to: "damaged.npz"))
    #expect(bad.entry("w")?.shape == [64, 64])
    #expect(throws: CheckpointError.self) { try bad.tensor("w") }
  }

  /// A raw deflate stream of stored blocks (RFC 1951, 3.2.4), which is legal and needs no library.
  private func deflate(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = []
    let blocks = stride(from: 0, to: bytes.count, by: 0xFFFF).map {
      bytes[$0..<min($0 + 0xFFFF, bytes.count)]
    }
    for (number, block) in blocks.enumerated() {
      let length = UInt16(block.count)
      stream.append(number == blocks.count - 1 ? 1 : 0)
      for value in [length, ~length] {
        stream += [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
      }
      stream += block
    }
    return stream
  }

  @Test(
    "refuses arrays of objects, of text, of another length and in big-endian order",
    arguments: [("|O", "1,"), ("<U3", "1,"), ("<f4", "3,"), (">f4", "2,")])
  func refuses(type: String, shape: String) {
    let error = #expect(throws: CheckpointError.self) {
      try open([
        ("good.npy", Array(NPYFile.encode([1] as [Float], shape: [1]))),
        ("bad.npy", array(type, shape, isFortran: false, [0, 0, 0, 0, 0, 0, 0, 0])),
      ])
    }
    #expect(
      error?.description.contains("a.npz, member bad.npy") == true, "\(String(describing: error))")
  }

  @Test(
    "opens the arrays of a JAX ViT", .enabled(if: Shared.isPresent, "../shared is absent"))
  func jax() throws {
    let source = try openCheckpoint(Shared.path("fixtures/vit/jax_layout.npz"))
    #expect(source.names.count > 10)
    for name in source.names {
      let entry = try #require(source.entry(name))
      #expect(try source.tensor(name).shape == entry.shape)
    }
    try source.requireFinite()
  }
}
