import Formats
import Foundation
import TestSupport
import Testing

@Suite("Raster writer on a full disk") struct RasterWriterFailureTests {
  /// Values that do not compress, so that every block needs its space.
  private static func noise(_ count: Int) -> [UInt16] {
    var state: UInt64 = 88172_645_463_325_252
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt16(truncatingIfNeeded: state)
    }
  }

  private static func write(to path: String) throws {
    let layout = RasterLayout(width: 600, height: 1100, elementType: .uint16, bands: ["a"])
    let writer = try RasterWriter(path: path, layout: layout)
    let values = noise(600 * 1100)
    for rows in [0..<600, 600..<1100] {
      try writer.append(Array(values[(rows.lowerBound * 600)..<(rows.upperBound * 600)]))
    }
    try writer.commit()
  }

  /// Limits files of this process, which the system refuses to let grow beyond.
  private static func limitFiles(to count: Int) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: rlim_t(count), rlim_max: rlim_t.max)
    precondition(setrlimit(__rlimit_resource_t(1), &limit) == 0)
  }

  @Test("whenever the space ends, the failure is reported and nothing is left")
  func fullDisk() async throws {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      try Self.write(to: folder.file("whole.tif"))
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("whole.tif"))
      let size = try #require(attributes[.size] as? Int)
      for limit in [size - 1, size - 300, size * 3 / 4, size / 2, 1000, 10] {
        Self.limitFiles(to: limit)
        var failure: FormatError?
        do { try Self.write(to: folder.file("part.tif")) } catch let error as FormatError {
          failure = error
        }
        Self.limitFiles(to: Int.max)
        precondition(failure != nil, "\(limit) of \(size) bytes were enough")
        precondition(
          failure?.category == .inputOutput || failure?.category == .cannotCreate,
          "\(String(describing: failure))")
        let names = try folder.names
        precondition(names == ["whole.tif"], "\(names) were left")
      }
      Self.limitFiles(to: size)
      try Self.write(to: folder.file("part.tif"))
    }
  }
}
