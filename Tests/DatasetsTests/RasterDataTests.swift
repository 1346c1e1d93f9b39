import Datasets
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

/// PNG pictures of 8×8 pixels in a folder, and a recipe's way to read them.
private struct Pictures {
  let folder: TemporaryDirectory

  init(_ count: Int = 10, side: Int = 8, value: (Int, Int) -> UInt16 = { UInt16(20 * $0 + $1) })
    throws
  {
    folder = try TemporaryDirectory()
    for number in 0..<count {
      let samples = (0..<(side * side)).map { value(number, $0) }
      try PNGImage(width: side, height: side, colorModel: .gray, bitDepth: 16, samples: samples)
        .write(to: folder.path("p\(number).png"))
    }
  }

  func options(
    _ split: RasterSplit = RasterSplit(.random(fractions: [0.6, 0.2, 0.2])),
    patch: RasterOptions.Patch? = nil,
    _ change: (inout RasterOptions.Input) -> Void = { _ in }
  ) -> RasterOptions {
    var input = RasterOptions.Input(name: "image", pattern: ".")
    change(&input)
    return RasterOptions(
      format: ImageFolderFormat.self, root: folder.path("."), inputs: [input], patch: patch,
      split: split)
  }
}

@Suite("Raster data")
struct RasterDataTests {
  @Test("pictures are split by files and normalized by the training part")
  func normalization() throws {
    let pictures = try Pictures()
    let data = try RasterData(pictures.options(), seed: 1)
    let samples = try #require(data.samples(.train, augmented: false))
    #expect(samples.count == 6 && data.samples(.val, augmented: false)?.count == 2)
    var values: [Float] = []
    for index in 0..<samples.count {
      let image = try #require(try samples.sample(index, epoch: 0)["image"])
      #expect(image.shape == [1, 8, 8])
      values += image.elements(as: Float.self)
    }
    let mean = values.reduce(0, +) / Float(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
    #expect(abs(mean) < 1e-5 && abs(variance - 1) < 1e-4)
    #expect(data.inputs.map(\.shape) == [[1, 8, 8]] && data.inputs[0].bands == ["gray"])
    guard case .image(let contract) = data.contract["image"] else {
      Issue.record("no contract")
      return
    }
    #expect(contract.means.count == 1 && contract.normalization == "zscore")
  }

  @Test("the numbers of a trained run replace those of the files")
  func storedStatistics() throws {
    let pictures = try Pictures()
    let contract = try RasterData(pictures.options(), seed: 1).contract
    let other = try Pictures(value: { number, place in UInt16(100 + number + place) })
    let plan = other.options().normalizing(by: contract, target: nil)
    #expect(try plan.open(seed: 1).contract["image"].map(scaling) == contract["image"].map(scaling))
  }

  private func scaling(_ contract: InputContract) -> [Double] {
    guard case .image(let image) = contract else { return [] }
    return image.means + image.standardDeviations
  }

  @Test("parts of files of their own may use the same names in their folders")
  func fileSplit() throws {
    let pictures = try Pictures(4)
    for (folder, numbers) in [("a", 0..<3), ("b", 2..<4)] {
      try FileManager.default.createDirectory(
        atPath: pictures.folder.path(folder), withIntermediateDirectories: false)
      for number in numbers {
        try FileManager.default.copyItem(
          atPath: pictures.folder.path("p\(number).png"),
          toPath: pictures.folder.path("\(folder)/p\(number).png"))
      }
    }
    let split = RasterSplit(.files(FileSplit(train: "a/*.png", test: "b/*.png")))
    let data = try RasterData(pictures.options(split), seed: 1)
    #expect(data.samples(.train, augmented: false)?.count == 3)
    let test = try #require(data.samples(.test, augmented: false))
    #expect((0..<test.count).map(test.identifier) == ["b/p2", "b/p3"])
  }

  @Test("windows cover the scene, and blocks keep parts apart")
  func blocks() throws {
    let pictures = try Pictures(1, side: 20)
    let patch = RasterOptions.Patch(size: 4, stride: 3)
    let split = RasterSplit(.spatialBlocks(fractions: [0.5, 0.25, 0.25], side: 8))
    let data = try RasterData(pictures.options(split, patch: patch), seed: 1)
    var seen: [String: SplitPart] = [:]
    for part in SplitPart.allCases {
      guard let samples = data.samples(part, augmented: false) else { continue }
      for index in 0..<samples.count {
        #expect(seen.updateValue(part, forKey: samples.identifier(index)) == nil)
      }
    }
    #expect(seen.count > 10 && Set(seen.values).count == 3)
    #expect(seen.keys.contains { $0.hasSuffix("@16,16") || $0.hasSuffix("@0,0") })
    #expect(throws: DataError.self) {
      try RasterData(
        pictures.options(RasterSplit(.random(fractions: [0.5, 0.25, 0.25]))), seed: 1)
    }
  }

  @Test("missing values become the mean and do not count")
  func missing() throws {
    let pictures = try Pictures(value: { number, place in place == 3 ? 9999 : UInt16(number + place)
    })
    let data = try RasterData(pictures.options { $0.noData = 9999 }, seed: 1)
    let samples = try #require(data.samples(.train, augmented: false))
    let image = try #require(try samples.sample(0, epoch: 0)["image"])
    #expect(image.elements(as: Float.self)[3] == 0)
    #expect(data.statistics[0][0].maximum < 100)
  }

  @Test("transforms change by epoch, and not by when they are asked for")
  func transforms() throws {
    let pictures = try Pictures()
    var options = pictures.options()
    let diagnostics = Diagnostics()
    func transform<Entry: Transform>(_ type: Entry.Type, _ fields: [PlainValue.Field]) -> Entry {
      Entry(
        OptionReader(
          Located(plain: .map(fields), at: SourceLocation(source: "test")), Entry.options,
          diagnostics), diagnostics)
    }
    options.transforms = [
      transform(RandomCrop.self, [.init("size", .integer(4))]),
      transform(HorizontalFlip.self, []), transform(VerticalFlip.self, []),
    ]
    let data = try RasterData(options, seed: 3)
    let samples = try #require(data.samples(.train, augmented: true))
    func values(_ epoch: Int) throws -> [Float] {
      let image = try #require(try samples.sample(2, epoch: epoch)["image"])
      #expect(image.shape == [1, 4, 4])
      return image.elements(as: Float.self)
    }
    let first = try values(0)
    let others = try (1..<8).map(values)
    #expect(try values(0) == first)
    #expect(others.contains { $0 != first })
    #expect(data.samples(.train, augmented: false)?.count == samples.count)
    try diagnostics.throwErrors()
  }

  @Test("what cannot be read is refused by name")
  func refusals() throws {
    let pictures = try Pictures()
    func refused(_ change: @escaping (inout RasterOptions.Input) -> Void) -> String {
      do {
        _ = try RasterData(pictures.options { change(&$0) }, seed: 1)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(refused { $0.bands = [.name("nir")] }.contains("band 'nir' not found"))
    #expect(refused { $0.bands = [.index(1)] }.contains("data.inputs.image.bands"))
    #expect(refused { $0.source.pattern = "*.tif" }.contains("no such data file"))
    #expect(refused { $0.statistics = .init(means: [1, 2], stds: [1]) }.contains("stats"))
    let constant = try Pictures(value: { _, _ in 7 })
    #expect(throws: DataError.constantBand(band: "gray", input: "image", value: 7)) {
      try RasterData(constant.options(), seed: 1)
    }
    let empty = try Pictures(value: { _, _ in 7 })
    #expect(throws: DataError.bandWithoutValues(band: "gray", input: "image")) {
      try RasterData(empty.options { $0.noData = 7 }, seed: 1)
    }
  }

  @Test("inputs are paired by what * stands for, and a stray one is named")
  func pairing() throws {
    let pictures = try Pictures(4)
    for number in 0..<3 {
      try FileManager.default.copyItem(
        atPath: pictures.folder.path("p\(number).png"),
        toPath: pictures.folder.path("q\(number).png"))
    }
    var options = pictures.options()
    options.inputs = [.init(name: "a", pattern: "p*.png"), .init(name: "b", pattern: "q*.png")]
    let missing = DataError.sampleIncomplete(
      identifier: "3", reason: "no file of 'b'", count: 1)
    #expect(throws: missing) { try RasterData(options, seed: 1) }
    try FileManager.default.removeItem(atPath: pictures.folder.path("p3.png"))
    let data = try RasterData(options, seed: 1)
    let samples = try #require(data.samples(.train, augmented: false))
    let sample = try samples.sample(0, epoch: 0)
    #expect(sample.keys.sorted() == ["a", "b"])
  }
}

@Suite("GeoTIFF data", .enabled(if: Shared.isPresent, "../shared is absent"))
struct GeoTIFFDataTests {
  @Test("EnMAP tiles come with wavelengths and resolution")
  func enmap() throws {
    var input = RasterOptions.Input(name: "optical", pattern: "*.tif")
    input.bands = [.index(0), .index(40), .name("band 100 (1063.48 Nanometers)")]
    input.scale = 1e-4
    let options = RasterOptions(
      format: GeoTIFFFormat.self,
      root: Shared.path("data/hyperspectral/enmap_potsdam/train/images"), inputs: [input],
      split: RasterSplit(.random(fractions: [0.6, 0.2, 0.2])))
    let file = try GeoTIFFFormat.open(
      Shared.path(
        "data/hyperspectral/enmap_potsdam/train/images/enmap_potsdam_tile_160_160.tif"))
    var named = options
    named.inputs[0].bands?[2] = .name(file.bands[99])
    let data = try RasterData(named, seed: 1)
    let sample = try #require(try data.samples(.train, augmented: false)?.sample(0, epoch: 0))
    #expect(sample["optical"]?.shape == [3, 32, 32])
    let wavelengths = try #require(sample["optical.wavelengths"]).elements(as: Float.self)
    #expect(abs(wavelengths[0] - 418.24) < 1e-3 && wavelengths[1] > 500)
    #expect(sample["optical.resolution"]?.scalar == 30)
  }

  @Test("a Sentinel-2 chip has the values that its file holds")
  func sentinel() throws {
    let file = try GeoTIFFFormat.open(Shared.path("data/eo-real/s2_l1c_13band_spain_7370579.tif"))
    #expect(file.bands.count == 13 && file.bands[0] == "B1" && file.width == 512)
    #expect(file.noData.allSatisfy { $0 == 0 } && file.resolution == nil)
    let window = RasterFile.Window(column: 10, row: 20, width: 3, height: 2)
    let values = try file.read(bands: [12, 1], in: window)
    #expect(values.shape == [2, 2, 3])
  }
}
