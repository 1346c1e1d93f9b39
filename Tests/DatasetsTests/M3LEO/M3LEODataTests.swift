import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

/// Two areas of eight chips of 8×8 pixels in the published layout, with radar, labels, biomass on a
/// coarse grid, and a tree of interferograms in one area only.
private struct M3LEOTree {
  let folder: TemporaryDirectory
  static let side = 8

  init() throws {
    folder = try TemporaryDirectory()
    for area in ["conus", "europe"] {
      var rows = ["identifier,split"]
      for number in 0..<8 {
        let chip = Self.chip(number)
        rows.append("\(chip),\(["train", "train", "val", "test"][number % 4])")
        let base = Double(number + (area == "europe" ? 40 : 0))
        try radar(area, chip, base)
        try write(area, "esaworldcover-2020", chip, ["Map"], side: Self.side) { _, pixel in
          // Pixel 0 is outside of the tile in one chip.
          number == 5 && pixel == 0 ? 0 : UInt8(pixel % 2 == 0 ? 10 : 80)
        }
        try write(area, "ghsbuilts-2020", chip, [""], side: 3 + number % 2) { _, pixel in
          UInt16(100 + pixel)
        }
      }
      try (rows.joined(separator: "\n") + "\n").write(
        toFile: folder.path("\(area)/\(Self.tiles(area))_splits_4bands.csv"), atomically: true,
        encoding: .utf8)
    }
    try FileManager.default.createDirectory(
      atPath: folder.path("conus/\(Self.tiles("conus"))/gunw_2020-01-01_2020-03-31"),
      withIntermediateDirectories: true)
  }

  static func chip(_ number: Int) -> String { "00000000000a\(number)" }
  static func tiles(_ area: String) -> String { "\(area)_partitions_aschips_0123456789abc" }

  func path(_ area: String, _ component: String, _ chip: String) -> String {
    folder.path("\(area)/\(Self.tiles(area))/\(component)/\(chip).tif")
  }

  /// −10 dB − base in the first pixel, rising by one, in every band.
  func radar(_ area: String, _ chip: String, _ base: Double) throws {
    let bands = M3LEOComponent(folder: "s1grd-2020")?.expectedBands ?? []
    try write(area, "s1grd-2020", chip, bands, side: Self.side) { band, pixel in
      UInt16(bitPattern: Int16(-10 - Int(base) - band - pixel % 7))
    }
  }

  func write<Element: RasterElement>(
    _ area: String, _ component: String, _ chip: String, _ bands: [String], side: Int,
    _ value: (_ band: Int, _ pixel: Int) -> Element
  ) throws {
    let file = path(area, component, chip)
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    let layout = RasterLayout(
      width: side, height: side, elementType: Element.rasterElementType, bands: bands)
    let writer = try RasterWriter(path: file, layout: layout)
    try writer.append(
      bands.indices.flatMap { band in (0..<(side * side)).map { value(band, $0) } })
    try writer.commit()
  }

  func plan(
    _ inputs: String, _ more: String = "", format: String = "m3leo", target: TargetKind = .none
  ) throws -> any DataSetPlan {
    let text = """
      version: 1
      name: test
      task: segmentation
      model: {backbone: vit, weights: none}
      train: {epochs: 1, optimizer: {name: adamw, lr: 1e-3}}
      data:
        format: \(format)
        root: \(folder.path("."))
        inputs: {\(inputs)}
        split: {method: column, file: "*/*_splits_*.csv"}

      """
    let lines = more.split(separator: "\n").map { "  \($0)\n" }.joined()
    let file = try folder.write(text + lines, to: "recipe.yaml")
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader().load(file: file, overrides: [], diagnostics)
    let plan = M3LEOFormat.plan(recipe.data, target: target, diagnostics)
    try diagnostics.throwErrors()
    return try #require(plan)
  }
}

@Suite("M3LEO by recipe")
struct M3LEODataTests {
  private static let radar =
    "s1: {component: s1grd-2020, bands: [winter_vvasc, fall_vhdes], unit: db}"

  private func identifiers(_ data: any DataSet, _ part: SplitPart) -> [String] {
    let samples = data.samples(part, augmented: false)
    return (0..<(samples?.count ?? 0)).compactMap { samples?.identifier($0) }
  }

  @Test("chips come by area and table, each area by its own statistics")
  func areas() throws {
    let tree = try M3LEOTree()
    let data = try tree.plan(Self.radar).open(seed: 1)
    #expect(
      identifiers(data, .test)
        == ["conus", "europe"].flatMap { area in [3, 7].map { "\(area)/\(M3LEOTree.chip($0))" } })
    #expect(identifiers(data, .train).count == 8 && identifiers(data, .val).count == 4)
    #expect(data.inputs.map(\.bands) == [["winter_vvasc", "fall_vhdes"]])
    // Chips of both areas differ by 40 dB and look alike once each area is normalized.
    let samples = try #require(data.samples(.train, augmented: false))
    let first = try #require(try samples.sample(0, epoch: 0)["s1"]).elements(as: Float.self)
    let other = try #require(try samples.sample(4, epoch: 0)["s1"]).elements(as: Float.self)
    #expect(zip(first, other).allSatisfy { abs($0 - $1) < 1e-4 })
    guard case .image(let contract) = data.contract["s1"] else {
      Issue.record("no contract")
      return
    }
    let means = try #require(contract.groups).mapValues { $0.means[0] }
    #expect(abs((means["conus"] ?? 0) - (means["europe"] ?? 0) - 40) < 1e-6)
    let pooled = try tree.plan(Self.radar, format: "{name: m3leo, stats_by: all}").open(seed: 1)
    let all = try #require(pooled.samples(.train, augmented: false))
    let mixed = try #require(try all.sample(0, epoch: 0)["s1"]).elements(as: Float.self)
    let far = try #require(try all.sample(4, epoch: 0)["s1"]).elements(as: Float.self)
    #expect(mixed[0] - far[0] > 1)
  }

  @Test("codes of no class are ignored, refused, or the class that the recipe says")
  func landCover() throws {
    let tree = try M3LEOTree()
    func target(_ unmapped: String) throws -> [Int32] {
      let data = try tree.plan(
        Self.radar,
        """
        target:
          component: esaworldcover-2020
          label_map: {10: 0, 80: 1}
          class_names: [trees, water]
          unmapped: \(unmapped)
        """, target: .classMap
      ).open(seed: 1)
      let samples = try #require(data.samples(.train, augmented: false))
      let place = try #require(
        (0..<samples.count).first {
          samples.identifier($0) == "conus/\(M3LEOTree.chip(5))"
        })
      return try samples.sample(place, epoch: 0)["target"]?.elements(as: Int32.self) ?? []
    }
    #expect(try target("ignore").prefix(3) == [255, 1, 0])
    #expect(try target("0").prefix(3) == [0, 1, 0])
    let error = #expect(throws: TargetError.self) { try target("error") }
    #expect(error.map { "\($0)".contains("label '0'") } == true)
  }

  @Test("class shares and means are taken from components, coarse ones brought to one grid")
  func targets() throws {
    let tree = try M3LEOTree()
    let classes = """
      target:
        component: esaworldcover-2020
        label_map: {10: 0, 80: 1}
        class_names: [trees, water]
        unmapped: ignore
      """
    let shares = try #require(
      try tree.plan(Self.radar, classes, target: .shares).open(seed: 1)
        .samples(.test, augmented: false)?.sample(0, epoch: 0)["target"])
    #expect(shares.elements(as: Float.self) == [0.5, 0.5])
    let mean = try #require(
      try tree.plan(Self.radar, "target: {component: ghsbuilts-2020}", target: .values)
        .open(seed: 1).samples(.test, augmented: false)?.sample(0, epoch: 0)["target"])
    // The chip of number 3 has 4×4 cells.
    #expect(mean.elements(as: Float.self) == [107.5])
    let raster = try #require(
      try tree.plan(
        Self.radar, "target: {component: ghsbuilts-2020, resize: [5, 6], preserve: mean}",
        target: .valueMap
      ).open(seed: 1).samples(.test, augmented: false)?.sample(0, epoch: 0)["target"])
    let values = raster.elements(as: Float.self)
    #expect(raster.shape == [1, 5, 6])
    #expect(abs(values.reduce(0, +) / 30 - 107.5) < 1e-3)
    let coarse = "built: {component: ghsbuilts-2020, resize: 8}, " + Self.radar
    let sample = try #require(
      try tree.plan(coarse).open(seed: 1).samples(.train, augmented: false)?.sample(0, epoch: 0))
    #expect(sample["built"]?.shape == [1, 8, 8] && sample["s1"]?.shape == [2, 8, 8])
  }

  @Test("a chip that cannot be read leaves the run, never for another")
  func damaged() throws {
    let tree = try M3LEOTree()
    let sound = try identifiers(tree.plan(Self.radar).open(seed: 1), .train)
    let victim = tree.path("conus", "s1grd-2020", M3LEOTree.chip(1))
    let bytes = try Data(contentsOf: URL(filePath: victim))
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: victim))
    #expect(throws: (any Error).self) { try tree.plan(Self.radar).open(seed: 1) }
    let data = try tree.plan(Self.radar, "on_bad: skip\nmax_skipped: 1").open(seed: 1)
    #expect(
      identifiers(data, .train) == sound.filter { $0 != "conus/\(M3LEOTree.chip(1))" })
    let skipped = data.record(files: [], testDigest: "").skipped
    #expect(skipped.map(\.sample) == ["conus/\(M3LEOTree.chip(1))"])
    try FileManager.default.removeItem(atPath: victim)
    #expect(throws: DataError.self) { try tree.plan(Self.radar).open(seed: 1) }
  }

  @Test("a component that an area lacks, and what an interferogram does not cover, are named")
  func absent() throws {
    let tree = try M3LEOTree()
    let gunw =
      "phase: {component: gunw_2020-01-01_2020-03-31, variables: [unwrappedPhase], "
      + "max_days: 60, selection_rule: far}"
    let error = #expect(throws: DataError.self) { try tree.plan(gunw).open(seed: 1) }
    // No chip of conus is covered, and europe has no such folder at all.
    #expect(error.map { "\($0)".contains("area europe has no component gunw") } == true)
    let message = #expect(throws: RecipeError.self) {
      try tree.plan("s1: {component: s1grd-20}")
    }
    #expect(message.map { "\($0)".contains("s1grd-") } == true)
    #expect(throws: RecipeError.self) { try tree.plan("s1: {path: \"*.tif\"}") }
    let check = try DataCheck.of(tree.folder.path("."))
    #expect(check.format == "m3leo")
    // One pixel of one chip of each area has no class; gunw may be absent.
    #expect(check.problems.map(\.kind) == [.unlabelled, .unlabelled])
    let table = tree.folder.path("conus/\(M3LEOTree.tiles("conus"))_splits_4bands.csv")
    let rows = try String(contentsOfFile: table, encoding: .utf8)
    try (rows + "\(M3LEOTree.chip(0)),test\n").write(
      toFile: table, atomically: true, encoding: .utf8)
    let twice = try DataCheck.of(tree.folder.path(".")).problems
    #expect(twice.first?.kind == .splitOverlap && twice.first?.severity == .error)
  }
}
