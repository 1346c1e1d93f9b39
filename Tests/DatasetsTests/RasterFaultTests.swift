import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

/// Small GeoTIFF files in a folder, each of its own size and place.
private struct Chips {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Writes a raster of one band; `east` is its left edge in meters, a pixel being 10.
  func write(
    _ name: String, side: Int = 8, east: Double? = nil, values: (Int) -> Float
  ) throws {
    var place = GeoReference()
    if let east {
      place.transform = [east, 10, 0, 5_000_000, 0, -10]
      place.system = Self.system
    }
    var layout = RasterLayout(
      width: side, height: side, elementType: .float32, bands: ["gray"])
    layout.noData = .nan
    layout.geoReference = place
    let writer = try RasterWriter(path: folder.path(name), layout: layout)
    try writer.append((0..<(side * side)).map(values))
    try writer.commit()
  }

  private static let system = """
    PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,\
    298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],\
    PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],\
    PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],\
    PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]
    """

  func options(
    _ method: RasterSplit.Method = .random(fractions: [0.6, 0.2, 0.2]), pattern: String = "c*.tif",
    _ change: (inout RasterOptions.Input) -> Void = { _ in }
  ) -> RasterOptions {
    var input = RasterOptions.Input(name: "image", pattern: pattern)
    change(&input)
    return RasterOptions(
      format: GeoTIFFFormat.self, root: folder.path("."), inputs: [input],
      split: RasterSplit(method))
  }
}

@Suite("Bad rasters")
struct RasterFaultTests {
  @Test("a table's column names the part of each sample, rows of no part are left out")
  func column() throws {
    let chips = try Chips()
    for number in 0..<6 {
      try chips.write("c\(number).tif") { Float(number * 100 + $0) }
    }
    let table = "identifier,part\n0,a\n1,a\n2,b\n3,c\n4,none\n5,a\n"
    try table.write(toFile: chips.folder.path("parts.csv"), atomically: true, encoding: .utf8)
    let split = ColumnSplit(
      file: "*.csv", column: "part", values: ["a": .train, "b": .val, "c": .test])
    let data = try RasterData(chips.options(.column(split)), seed: 1)
    func identifiers(_ part: SplitPart) -> [String] {
      let samples = data.samples(part, augmented: false)
      return (0..<(samples?.count ?? 0)).compactMap { samples?.identifier($0) }
    }
    #expect(identifiers(.train) == ["0", "1", "5"])
    #expect(identifiers(.val) == ["2"] && identifiers(.test) == ["3"])
    let twice = table + "0,b\n"
    try twice.write(toFile: chips.folder.path("parts.csv"), atomically: true, encoding: .utf8)
    #expect(throws: DataError.self) { try RasterData(chips.options(.column(split)), seed: 1) }
    let missing = "identifier,part\n0,a\n1,a\n2,b\n3,c\n4,none\n"
    try missing.write(toFile: chips.folder.path("parts.csv"), atomically: true, encoding: .utf8)
    #expect(throws: TargetError.self) { try RasterData(chips.options(.column(split)), seed: 1) }
  }

  @Test("bad samples stop a run, or are left out, listed, and counted against a limit")
  func skipping() throws {
    let chips = try Chips()
    for number in 0..<20 {
      try chips.write("c\(number).tif") { number == 7 ? .nan : Float(number * 100 + $0) }
    }
    let sound = try RasterData(chips.options(), seed: 1)
    try chips.truncate("c3.tif", to: 0.3)
    var options = chips.options()
    #expect(throws: FormatError.self) { try RasterData(options, seed: 1) }
    options.badSamples.skips = true
    options.badSamples.maximum = .share(0.1)
    let data = try RasterData(options, seed: 1)
    let skipped = data.record(files: [], testDigest: "").skipped
    #expect(skipped.map(\.sample).sorted() == ["3", "7"])
    #expect(skipped.contains { $0.reason.contains("c3.tif") })
    #expect(skipped.contains { $0.sample == "7" && $0.reason.contains("no valid value") })
    // No other sample changes its part, and none is seen in the place of a bad one.
    for part in SplitPart.allCases {
      let before = names(sound, part).filter { $0 != "3" && $0 != "7" }
      #expect(names(data, part) == before)
    }
    options.badSamples.maximum = .count(1)
    #expect(throws: DataError.self) { try RasterData(options, seed: 1) }
  }

  @Test("everything that is wrong is told at once")
  func sound() throws {
    let chips = try Chips()
    for number in 0..<10 {
      try chips.write("c\(number).tif") { Float(number * 100 + $0) }
    }
    try RasterData(chips.options(), seed: 1).requireSound()
    for number in [2, 5, 6] { try chips.write("c\(number).tif") { _ in .nan } }
    let data = try RasterData(chips.options(), seed: 1)
    let empty = #expect(throws: BadSamples.self) { try data.requireSound() }
    #expect(empty?.reasons.count == 3)
    for number in [1, 3] { try chips.truncate("c\(number).tif", to: 0.3) }
    let cut = #expect(throws: BadSamples.self) { try RasterData(chips.options(), seed: 1) }
    #expect(cut.map { "\($0)".split(separator: "\n").count } == 3)
  }

  @Test("statistics of other data are refused, a run's own are kept")
  func foreignStatistics() throws {
    let chips = try Chips()
    for number in 0..<10 { try chips.write("c\(number).tif") { Float(number + $0) } }
    var options = chips.options { $0.statistics = .init(means: [30], stds: [20]) }
    let data = try RasterData(options, seed: 1)
    options.inputs[0].statistics = .init(means: [0.3], stds: [0.2])
    let error = #expect(throws: DataError.self) { try RasterData(options, seed: 1) }
    #expect(error.map { "\($0)".contains("deviations from the mean 0.3") } == true)
    var contract = data.contract
    if case .image(var image) = contract["image"] {
      image.means = [0.3]
      image.standardDeviations = [0.2]
      contract["image"] = .image(image)
    }
    _ = try chips.options().normalizing(by: contract, target: nil).open(seed: 1)
  }

  @Test("a sample with a constant band counts as bad where the recipe says so")
  func constantBands() throws {
    let chips = try Chips()
    for number in 0..<10 {
      try chips.write("c\(number).tif") { number == 4 ? 12 : Float(number * 100 + $0) }
    }
    var options = chips.options()
    options.inputs[0].skipsConstantBands = true
    #expect(throws: DataError.self) { try RasterData(options, seed: 1) }
    options.badSamples.skips = true
    options.badSamples.maximum = .count(1)
    let skipped = try RasterData(options, seed: 1).record(files: [], testDigest: "").skipped
    #expect(skipped.map(\.sample) == ["4"] && skipped[0].reason.contains("constant"))
  }

  @Test("files of differing sizes are brought to one, holes left out of the average")
  func sizes() throws {
    let chips = try Chips()
    for number in 0..<5 {
      try chips.write("c\(number).tif", side: 6 + number % 2) { $0 == 0 ? .nan : Float(number) }
    }
    var options = chips.options()
    options.inputs[0].size = .init(height: 4, width: 5)
    options.inputs[0].normalization = .none
    options.inputs[0].replacement = -1
    let data = try RasterData(options, seed: 1)
    for part in SplitPart.allCases {
      guard let samples = data.samples(part, augmented: false) else { continue }
      for index in 0..<samples.count {
        let image = try #require(try samples.sample(index, epoch: 0)["image"])
        let number = try #require(Float(samples.identifier(index)))
        #expect(image.shape == [1, 4, 5])
        #expect(image.elements(as: Float.self).allSatisfy { abs($0 - number) < 1e-5 })
      }
    }
  }

  @Test("numbers and class shares are taken from rasters, whatever their size")
  func vectors() throws {
    let chips = try Chips()
    for number in 0..<6 {
      try chips.write("c\(number).tif") { Float(number + $0) }
      try chips.write("t\(number).tif", side: 4) {
        $0 == 0 ? .nan : $0 <= number ? 1 : 0
      }
    }
    func target(_ kind: TargetKind, _ change: (inout RasterTarget) -> Void = { _ in }) throws
      -> [[Float]]
    {
      var options = chips.options()
      var target = RasterTarget(
        kind: kind, source: .rasters(RasterSource(pattern: "t*.tif")))
      if kind != .values { target.classNames = ["low", "high"] }
      change(&target)
      options.target = target
      let data = try RasterData(options, seed: 1)
      var found = [[Float]](repeating: [], count: 6)
      for part in SplitPart.allCases {
        guard let samples = data.samples(part, augmented: false) else { continue }
        for index in 0..<samples.count {
          let number = try #require(Int(samples.identifier(index)))
          found[number] =
            try samples.sample(index, epoch: 0)["target"]?.elements(as: Float.self) ?? []
        }
      }
      return found
    }
    let shares = (0..<6).map { Float($0) / 15 }
    #expect(try target(.values).map { $0[0] } == shares)
    for (found, share) in zip(try target(.shares), shares) {
      #expect(abs(found[0] - (1 - share)) < 1e-6 && abs(found[1] - share) < 1e-6)
    }
    #expect(
      try target(.labels) { $0.minimumShare = 0.15 } == shares.map { [1, $0 > 0.15 ? 1 : 0] })
  }

  @Test("a mean or a sum survives a change of size")
  func preserved() throws {
    let chips = try Chips()
    for number in 0..<5 {
      try chips.write("c\(number).tif") { Float(number + $0) }
      try chips.write("t\(number).tif", side: 7) { Float($0 * $0 % 17) + 1 }
    }
    for preserved in TargetSection.Preserved.allCases {
      var options = chips.options()
      var target = RasterTarget(
        kind: .valueMap, source: .rasters(RasterSource(pattern: "t*.tif")))
      target.size = .init(height: 3, width: 4)
      target.preserved = preserved
      options.target = target
      let sample = try #require(
        try RasterData(options, seed: 1).samples(.train, augmented: false)?.sample(0, epoch: 0))
      let values = try #require(sample["target"]).elements(as: Float.self)
      let before = (0..<49).map { Float($0 * $0 % 17) + 1 }
      let sums = (values.reduce(0, +), before.reduce(0, +))
      let expected = preserved == .sum ? sums.1 : sums.1 / 49 * 12
      #expect(values.count == 12 && abs(sums.0 / expected - 1) < 1e-5)
    }
  }

  @Test("ground that test and training samples share is measured, and can stop a run")
  func footprints() throws {
    let chips = try Chips()
    // Twenty chips of 80 m, each 60 m east of the one before: a quarter overlaps.
    for number in 0..<20 {
      try chips.write("c\(number).tif", east: 500_000 + 60 * Double(number)) {
        Float(number + $0)
      }
    }
    let rows = (0..<20).map { "\($0),\($0 < 10 ? "train" : "test")" }
    try ("identifier,split\n" + rows.joined(separator: "\n")).write(
      toFile: chips.folder.path("parts.csv"), atomically: true, encoding: .utf8)
    var options = chips.options(.column(ColumnSplit(file: "parts.csv")))
    let record = try RasterData(options, seed: 1).record(files: [], testDigest: "")
    // Of ten test chips the first shares a quarter of its ground.
    #expect(record.overlaps.contains { $0.hasPrefix("2.5 % of the test area") })
    #expect(record.overlaps.contains { $0.contains("1 of 10 samples, such as 10 and 9") })
    options.maximumLeak = 0.02
    #expect(throws: DataError.self) { try RasterData(options, seed: 1) }
    options.maximumLeak = 0.03
    _ = try RasterData(options, seed: 1)
  }

  private func names(_ data: RasterData, _ part: SplitPart) -> [String] {
    let samples = data.samples(part, augmented: false)
    return (0..<(samples?.count ?? 0)).compactMap { samples?.identifier($0) }
  }
}

extension Chips {
  fileprivate func truncate(_ name: String, to share: Double) throws {
    let path = folder.path(name)
    let bytes = try Data(contentsOf: URL(filePath: path))
    try bytes.prefix(Int(share * Double(bytes.count))).write(to: URL(filePath: path))
  }
}
