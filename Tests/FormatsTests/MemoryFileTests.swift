import Formats
import Foundation
import TestSupport
import Testing

@Suite("files in memory")
struct MemoryFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func raster() throws -> [UInt8] {
    let path = folder.file("r.tif")
    let writer = try RasterWriter(
      path: path, layout: RasterLayout(width: 3, height: 2, elementType: .uint8, bands: ["a", "b"]))
    try writer.append((0..<12).map { UInt8($0) })
    try writer.commit()
    return Array(try Data(contentsOf: URL(filePath: path)))
  }

  @Test("GDAL reads a raster from memory, for as long as its description lives") func rasters()
    throws
  {
    let bytes = try raster()
    let file = try RasterFile(image: bytes, path: "shard/r.tif")
    #expect(file.bands.map(\.name) == ["a", "b"] && file.bands[0].storedType == "Byte")
    let window = RasterFile.Window(column: 1, row: 0, width: 2, height: 2)
    #expect(try file.read(bands: [1], in: window) == [7, 8, 10, 11])
    #expect(withExtendedLifetime(file) { RasterFile.memoryFileCount } >= 1)
    let error = #expect(throws: FormatError.self) {
      try RasterFile(image: Array(bytes.prefix(40)), path: "shard/cut.tif")
    }
    #expect(error?.description.hasPrefix("shard/cut.tif") == true)
    #expect(throws: FormatError.self) { try RasterFile(image: [], path: "shard/empty.tif") }
  }

  @Test("many files in memory leave nothing behind") func many() throws {
    let bytes = try raster()
    for _ in 0..<2000 {
      #expect(try RasterFile(image: bytes, path: "r.tif").width == 3)
      #expect(throws: FormatError.self) { try RasterFile(image: [1, 2, 3], path: "bad.tif") }
    }
    // Others may hold some meanwhile.
    #expect(RasterFile.memoryFileCount < 100)
  }
}
