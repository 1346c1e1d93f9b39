import Formats
import Foundation
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("Tiled inference over files") struct TiledRasterTests {
  /// Side of the raster; more with `ATTUNE_TEST_RASTER`, the path of a file of at least four bands of
  /// bytes, for measuring.
  static let side = 4000

  static func makeRaster(_ path: String) throws {
    var layout = RasterLayout(
      width: side, height: side, elementType: .uint8, bands: ["a", "b", "c", "d"])
    layout.geoReference.transform = [500_000, 10, 0, 6_000_000, 0, -10]
    let writer = try RasterWriter(path: path, layout: layout)
    for row in 0..<side {
      try writer.append((0..<(4 * side)).map { UInt8(($0 / 7 + row / 5) % 251) })
    }
    try writer.commit()
  }

  /// Largest resident memory of this process so far, in bytes.
  static func peakResidentBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return 1024 * (try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])))
  }

  @Test("a large raster goes through in bounded memory and keeps its place and values")
  func largeRaster() async throws {
    let result = try await #require(
      processExitsWith: .success, observing: [\.standardOutputContent]
    ) {
      let folder = try TemporaryFolder()
      let given = ProcessInfo.processInfo.environment["ATTUNE_TEST_RASTER"]
      let path = given ?? folder.file("in.tif")
      if given == nil { try Self.makeRaster(path) }
      let file = try RasterFile(path: path)
      let plan = try TilePlan(width: file.width, height: file.height, crop: 256, stride: 224)
      var layout = RasterLayout(
        width: file.width, height: file.height, elementType: .uint8, bands: ["copy"])
      layout.geoReference = file.geoReference
      let writer = try RasterWriter(path: folder.file("out.tif"), layout: layout)
      let reader = try RasterReader(file)
      let start = ContinuousClock.now
      try TiledInference(plan: plan, batch: 16, threads: 2).run(
        read: { window in
          Tensor(
            try reader.read(bands: [0, 1, 2, 3], in: window),
            shape: [4, window.height, window.width])
        }, model: { $0.sliced(axis: 1, 2..<3) },
        sink: { _, values in
          try writer.append(values.elements(as: Float.self).map { UInt8($0.rounded()) })
        })
      try writer.commit()
      let bytes = try Self.peakResidentBytes()
      print(
        "\(file.width)×\(file.height)×4: \(ContinuousClock.now - start), "
          + "\(bytes >> 20) MiB resident at most")
      precondition(bytes < 1_500_000_000, "\(bytes) bytes")
      let copy = try RasterFile(path: folder.file("out.tif"))
      precondition(copy.geoReference == file.geoReference)
      for row in stride(from: 0, to: file.height, by: 97) {
        let line = RasterFile.Window(column: 0, row: row, width: file.width, height: 1)
        let same = try copy.read(bands: [0], in: line) == reader.read(bands: [2], in: line)
        precondition(same, "row \(row) differs")
      }
    }
    print(String(decoding: result.standardOutputContent, as: UTF8.self))
  }
}
