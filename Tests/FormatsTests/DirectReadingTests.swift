import Foundation
import TestSupport
import Testing

import Formats

/// TIFF and HDF5 read past their libraries, against what the libraries read.
@Suite("Direct reading") struct DirectReadingTests {
  private static let golden = "Tests/FormatsTests/Golden"

  /// Every type, coding and predictor in one layout of strips or tiles (see `make_block_files.py`).
  static let tiffs: [String] = {
    let folder = PackageFolder.url(golden + "/tiffs").path
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }()

  /// Whole, corners, single pixels, and parts across the borders of blocks, of 45×37 pixels.
  private static let windows: [RasterFile.Window] = [
    .init(column: 0, row: 0, width: 45, height: 37),
    .init(column: 44, row: 36, width: 1, height: 1),
    .init(column: 13, row: 3, width: 21, height: 30),
    .init(column: 16, row: 16, width: 16, height: 16),
    .init(column: 31, row: 0, width: 2, height: 37),
    .init(column: 0, row: 17, width: 45, height: 1),
  ]

  @Test("values of TIFF are GDAL's in all windows and orders of bands", arguments: tiffs)
  func rasters(name: String) throws {
    let file = try RasterFile(path: PackageFolder.url(Self.golden + "/tiffs/" + name).path)
    #expect(file.isReadDirectly)
    let library = try RasterReader(file)
    for window in Self.windows {
      for bands in [[0, 1, 2], [2, 0], [1], [1, 1]] {
        #expect(
          try file.read(bands: bands, in: window) == library.read(bands: bands, in: window),
          "\(bands) in \(window)")
      }
    }
  }

  @Test("every type and coding has a file")
  func coverage() {
    #expect(Self.tiffs.count == 46)
  }

  @Test("a file that was cut off or replaced is refused by GDAL's reason, or read anew")
  func damage() throws {
    let folder = try TemporaryFolder()
    let whole = Self.windows[0]
    for name in ["uint16-deflate-2", "float32-none-1", "uint8-lzw-1", "int16-zstd-2"] {
      let source = try #require(Self.tiffs.first { $0.hasPrefix(name + "-") })
      let content = try Data(
        contentsOf: PackageFolder.url(Self.golden + "/tiffs/" + source))
      let path = folder.file(source)
      try content.write(to: URL(filePath: path))
      let file = try RasterFile(path: path)
      let values = try file.read(bands: [0, 1, 2], in: whole)
      // The pixels begin behind the directory; some of them become others.
      var damaged = content
      for place in (content.count / 2)..<(content.count / 2 + 40) { damaged[place] ^= 0x5A }
      try damaged.write(to: URL(filePath: path))
      let again = try? file.read(bands: [0, 1, 2], in: whole)
      #expect(again != values)
      let handle = try FileHandle(forWritingTo: URL(filePath: path))
      try handle.truncate(atOffset: UInt64(content.count * 2 / 3))
      try handle.close()
      #expect(throws: FormatError.self) { _ = try file.read(bands: [0, 1, 2], in: whole) }
    }
  }

  private static func blocks() throws -> HDF5File {
    try HDF5File(reading: PackageFolder.url(golden + "/blocks.h5").path)
  }

  /// Values through libhdf5, which alone reads doubles.
  private func expected(
    _ dataset: HDF5Dataset, _ start: [Int], _ count: [Int]
  ) throws -> [Float] {
    try dataset.readDoubles(start: start, count: count).map { Float($0) }
  }

  @Test(
    "values of HDF5 are libhdf5's in all layouts and blocks",
    arguments: ["float32", "float64", "int16", "uint8", "int32"])
  func datasets(type: String) throws {
    let file = try Self.blocks()
    for name in ["piece", "chunks", "deflate", "shuffle", "lzf", "shuffled-lzf"] {
      let dataset = try file.dataset("\(type)/\(name)")
      #expect(dataset.isReadDirectly)
      let shape = dataset.shape
      let parts: [([Int], [Int])] = [
        ([0, 0, 0, 0], shape), ([5, 3, 8, 19], [1, 1, 1, 1]), ([1, 0, 0, 0], [1] + shape[1...]),
        ([0, 1, 2, 3], [6, 2, 7, 16]), ([2, 1, 0, 0], [3, 1, 9, 20]),
        ([1, 1, 4, 4], [4, 2, 3, 15]),
      ]
      for (start, count) in parts {
        #expect(
          try dataset.readFloats(start: start, count: count) == expected(dataset, start, count),
          "\(name) \(start) \(count)")
      }
    }
  }

  @Test("chunks that were not written, did not shrink, or are of a kind for libhdf5")
  func exceptions() throws {
    let file = try Self.blocks()
    for (name, isDirect) in [
      ("noise", true), ("sparse", true), ("never", true), ("checked", false), ("big-endian", false),
    ] {
      let dataset = try file.dataset(name)
      #expect(dataset.isReadDirectly == isDirect, "\(name)")
      let start = dataset.shape.map { _ in 0 }
      #expect(try dataset.readFloats() == expected(dataset, start, dataset.shape), "\(name)")
    }
    #expect(try file.dataset("sparse").readFloats(start: [5, 0, 0], count: [1, 1, 1]) == [2.5])
  }

  @Test("threads that read one dataset side by side get the same values")
  func threads() throws {
    let dataset = try Self.blocks().dataset("float32/shuffle")
    let once = try dataset.readFloats()
    let size = dataset.shape[1...].reduce(1, *)
    DispatchQueue.concurrentPerform(iterations: 64) { number in
      let row = number % dataset.shape[0]
      let values = try? dataset.readFloats(
        start: [row, 0, 0, 0], count: [1] + dataset.shape[1...])
      #expect(values == Array(once[(row * size)..<((row + 1) * size)]))
    }
  }
}
