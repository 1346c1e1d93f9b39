import Datasets
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

/// Files of 2 GB, nearly all of it holes, are read part by part without keeping what was read.
///
/// Other tests run beside these, so the bound is a quarter of the file.
@Suite("Files larger than what is kept")
struct SparseFileTests {
  private static let limit = 512 << 20

  /// Bytes of this process in memory, mapped files among them.
  private func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
      .split(separator: " ")
    return try #require(Int(fields[1])) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  @Test("windows of trajectories")
  func trajectories() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("fields.h5")
    let shape = [512, 16, 256, 256]
    let writer = try HDF5Writer(path: path)
    try writer.createDataset("tensor", shape: shape)
    let frame = [Float](repeating: 3, count: 256 * 256)
    try writer.write(frame, to: "tensor", start: [511, 15, 0, 0], count: [1, 1, 256, 256])
    try writer.finish()
    let file = try PDEFiles.open(path)
    let before = try residentBytes()
    var sum: Float = 0
    for trajectory in 0..<shape[0] {
      for start in stride(from: 0, to: 16, by: 4) {
        let window = try file.read(trajectory, frames: start..<(start + 4))
        sum += window.withElements(of: Float.self) { $0[0] + $0[$0.count - 1] }
      }
    }
    #expect(sum == 3)
    #expect(try residentBytes() - before < Self.limit)
  }

  /// 16,384 columns and 65,536 rows of 16 bits in strips of 64 rows, the first and the last value set.
  private func tiff(at path: String) throws {
    let (width, height, rows) = (16384, 65536, 64)
    let (strips, size) = (height / rows, rows * width * 2)
    let tables = 8 + 2 + 9 * 12 + 4
    let first = 1 << 16
    var bytes: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 9, 0]
    func append(_ value: Int, _ count: Int) {
      for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }
    let entries: [(tag: Int, count: Int, value: Int)] = [
      (256, 1, width), (257, 1, height), (258, 1, 16), (259, 1, 1), (262, 1, 1),
      (273, strips, tables), (277, 1, 1), (278, 1, rows), (279, strips, tables + 4 * strips),
    ]
    for entry in entries {
      append(entry.tag, 2)
      append(4, 2)
      append(entry.count, 4)
      append(entry.value, 4)
    }
    append(0, 4)
    for strip in 0..<strips { append(first + strip * size, 4) }
    for _ in 0..<strips { append(size, 4) }
    bytes += [UInt8](repeating: 0, count: first - bytes.count) + [5, 0]
    try Data(bytes).write(to: URL(filePath: path))
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.seek(toOffset: UInt64(first + strips * size - 2))
    try handle.write(contentsOf: Data([7, 1]))
    try handle.close()
  }

  @Test("windows of a raster")
  func raster() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("large.tif")
    try tiff(at: path)
    let file = try PixelFile.raster(path: path)
    let before = try residentBytes()
    var sum: Float = 0
    for row in stride(from: 0, to: file.height, by: 256) {
      for column in stride(from: 0, to: file.width, by: 4096) {
        let window = try file.read(
          bands: [0], in: .init(column: column, row: row, width: 4096, height: 256))
        sum += window.withElements(of: Float.self) { $0[0] + $0[$0.count - 1] }
      }
    }
    #expect(sum == 5 + 263)
    #expect(try residentBytes() - before < Self.limit)
  }
}
