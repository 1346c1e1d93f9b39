import Datasets
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

/// `data.on_bad` for trajectories and for the pixels of a scene; rasters have tests of their own.
@Suite("Bad samples")
struct BadSampleTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func trajectories(
    bad: Set<Int>, _ change: (inout BadSamplePolicy) -> Void = { _ in }
  ) throws -> PDEData {
    try PDEFiles.tensor(at: folder.path("u.hdf5"), shape: [20, 4, 8]) { n, t, x in
      bad.contains(n) && t == 2 && x == 3 ? .nan : sin(Float(n + t) + 0.1 * Float(x))
    }
    var options = PDEDataOptions(
      format: PDEBenchFormat.self, root: folder.path("."),
      split: .trajectories(TrajectorySplit(.fractions([0.6, 0.2, 0.2]))))
    change(&options.badSamples)
    return try PDEData(options)
  }

  @Test("trajectories with NaN stop a run, all named at once")
  func trajectoriesStop() throws {
    let sound = try trajectories(bad: [])
    let train = try #require(sound.units[.train])
    let several = #expect(throws: BadSamples.self) {
      try trajectories(bad: [train[0], train[5], sound.units[.val]?.first ?? 0])
    }
    #expect(several?.reasons.count == 3)
    let one = #expect(throws: DataError.self) { try trajectories(bad: [train[0]]) }
    #expect(one.map { "\($0)".contains("u.hdf5") } == true)
    let later = try trajectories(bad: Set(sound.units[.test] ?? []))
    let found = #expect(throws: BadSamples.self) { try later.requireSound() }
    #expect(found?.reasons.count == 4)
  }

  @Test("trajectories with NaN are left out, listed, and counted against a limit")
  func trajectoriesSkipped() throws {
    let sound = try trajectories(bad: [])
    let (train, test) = (try #require(sound.units[.train]), try #require(sound.units[.test]))
    let bad: Set<Int> = [train[2], test[0]]
    let data = try trajectories(bad: bad) {
      $0.skips = true
      $0.maximum = .share(0.1)
    }
    #expect(data.units[.train] == train.filter { $0 != train[2] }, "no other moves")
    #expect(data.units[.test] == Array(test.dropFirst()))
    let record = data.record(files: [], testDigest: "")
    #expect(Set(record.skipped.map(\.sample)) == Set(bad.map { data.set.identifier($0) }))
    #expect(record.skipped.allSatisfy { $0.reason.contains("frame") })
    let error = #expect(throws: DataError.self) {
      try trajectories(bad: bad) {
        $0.skips = true
        $0.maximum = .count(1)
      }
    }
    #expect(error.map { "\($0)".contains("2 of 20 samples are bad") } == true)
  }

  private func scene(
    strays: Set<Int>, _ change: (inout BadSamplePolicy) -> Void = { _ in }
  ) throws -> SceneData {
    let side = 12
    let cube = (0..<(3 * side * side)).map { place -> Float in
      let (band, pixel) = (place / (side * side), place % (side * side))
      return strays.contains(pixel) && band == 1 ? .infinity : Float(band + pixel % 5)
    }
    let writer = try RasterWriter(
      path: folder.path("cube.tif"),
      layout: RasterLayout(
        width: side, height: side, elementType: .float32, bands: ["a", "b", "c"]))
    try writer.append(cube)
    try writer.commit()
    let labels = try RasterWriter(
      path: folder.path("labels.tif"),
      layout: RasterLayout(width: side, height: side, elementType: .uint8, bands: ["class"]))
    try labels.append((0..<(side * side)).map { UInt8($0 < side ? 0 : 1 + $0 % 2) })
    try labels.commit()
    var options = SceneOptions(
      root: folder.path("."), image: .init(name: "image", source: .init(path: "cube.tif")),
      target: .init(source: .init(path: "labels.tif")), patch: 3,
      split: .computed(SceneSplit(.stratified(fractions: [0.3, 0.2, 0.5], minimumPerClass: 1))))
    change(&options.badSamples)
    return try SceneData(options, seed: 1)
  }

  @Test("labelled pixels with infinity stop a run, or are left out, listed and counted")
  func pixels() throws {
    // Pixel 3 lies in the row without labels.
    let strays: Set<Int> = [3, 40, 77]
    #expect(throws: DataError.self) { try scene(strays: strays) }
    let data = try scene(strays: strays) {
      $0.skips = true
      $0.maximum = .count(2)
    }
    let record = data.record(files: [], testDigest: "")
    #expect(record.skipped.map(\.sample) == ["row 3, column 4", "row 6, column 5"])
    #expect(data.labels.labelled.count == 11 * 12 - 2)
    #expect(data.missingLabelledCount == 0)
    let error = #expect(throws: DataError.self) {
      try scene(strays: strays) {
        $0.skips = true
        $0.maximum = .count(1)
      }
    }
    #expect(error.map { "\($0)".contains("2 of 132 samples are bad") } == true)
  }
}
