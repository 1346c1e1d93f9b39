import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Statistics kept from run to run")
struct KeptStatisticsTests {
  /// Counts how often the samples are read.
  private final class Reader {
    var count = 0

    func read() -> [Double] {
      count += 1
      return [0.1, 1.0 / 3]
    }
  }

  @Test("are read once, and again for another recipe, other samples or a changed file")
  func kept() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/a.bin"
    try Data([1, 2, 3]).write(to: URL(filePath: file))
    let reader = Reader()
    func value(_ recipe: String = "r", _ samples: [String] = ["a", "b"]) throws -> [Double] {
      let kept = KeptStatistics(folder: folder.path + "/kept", recipe: recipe)
      defer { kept.write() }
      return try kept.value(of: samples, in: [file], reader.read)
    }
    // Files of this moment may change once more under the same time, so that nothing is kept.
    for _ in 0..<2 { #expect(try value() == [0.1, 1.0 / 3]) }
    #expect(reader.count == 2)
    Thread.sleep(forTimeInterval: 3.1)
    for _ in 0..<3 { #expect(try value() == [0.1, 1.0 / 3]) }
    #expect(reader.count == 3)
    _ = try value("other")
    _ = try value("r", ["b", "a"])
    #expect(reader.count == 5)
    try Data([1, 2, 4]).write(to: URL(filePath: file))
    _ = try value()
    #expect(reader.count == 6)
    Thread.sleep(forTimeInterval: 3.1)
    for _ in 0..<2 { _ = try value() }
    #expect(reader.count == 7)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/kept") {
      try Data("[1".utf8).write(to: URL(filePath: folder.path + "/kept/" + name))
    }
    #expect(try value() == [0.1, 1.0 / 3])
    #expect(reader.count == 8)
  }

  @Test("of a data set equal those that are found anew")
  func equal() throws {
    let folder = try TemporaryFolder()
    try PDEFiles.tensor(at: folder.file("u.hdf5"), shape: [10, 6, 8], dt: 0.05) { n, t, x in
      sin(Float(n) + 0.5 * Float(t) + 0.1 * Float(x))
    }
    var files = PDEDataOptions(
      format: PDEBenchFormat.self, root: folder.path,
      split: .trajectories(TrajectorySplit(.fractions([0.8, 0.1, 0.1]))))
    files.inputFrames = 2
    let options = files
    Thread.sleep(forTimeInterval: 3.1)
    let kept = KeptStatistics(folder: folder.path + "/kept", recipe: "r")
    let found = try (0..<2).map { _ in
      defer { kept.write() }
      let data = try PDEData(options, keeping: kept)
      return (statistics: data.statistics, digest: try data.testDigest())
    }
    // The statistics and the digest of the test part.
    let written = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/kept")
    #expect(written.count == 2)
    let fresh = try PDEData(options)
    #expect(found.map(\.statistics) == [fresh.statistics, fresh.statistics])
    let digest = try fresh.testDigest()
    #expect(found.map(\.digest) == [digest, digest])
  }
}
