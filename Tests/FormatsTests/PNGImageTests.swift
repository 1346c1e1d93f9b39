import Formats
import Foundation
import TestSupport
import Testing

@Suite("PNG") struct PNGImageTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func decode(_ data: Data) throws -> PNGImage {
    let bytes = Array(data)
    return try bytes.withUnsafeBytes { try PNGImage(decoding: $0, path: "test.png") }
  }

  @Test(
    "what is written is read back", arguments: [8, 16],
    [PNGImage.ColorModel.gray, .grayAlpha, .rgb, .rgba])
  func roundTrip(bitDepth: Int, model: PNGImage.ColorModel) throws {
    let count = 5 * 3 * model.channelCount
    let samples = (0..<count).map { UInt16(($0 * 40503) % (1 << bitDepth)) }
    let image = PNGImage(
      width: 5, height: 3, colorModel: model, bitDepth: bitDepth, samples: samples)
    #expect(try decode(image.encoded()) == image)
    let path = folder.file("a.png")
    try image.write(to: path)
    #expect(try PNGImage(path: path) == image)
    #expect(try folder.names == ["a.png"])
  }

  @Test("keeps palette positions as they are") func palette() throws {
    let data = try #require(
      Data(
        base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACAgMAAADgGo6JAAAACVBMVEUAAAD/AAAAgEAq+JvX"
          + "AAAADElEQVR4nGOQYGgBAADQAJ3raySOAAAAAElFTkSuQmCC"))
    let image = try decode(data)
    #expect(image.samples == [0, 1, 2, 2, 0, 1])
    #expect(image.colorModel == .palette([[0, 0, 0], [255, 0, 0], [0, 128, 64]]))
    #expect(image.bitDepth == 2)
  }

  @Test("keeps 16-bit samples beside alpha and gamma as they are") func sixteenBits() throws {
    let data = try #require(
      Data(
        base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABEAYAAACksqPJAAAABGdBTUEAALGPC/xhBQAAABlJ"
          + "REFUeJxjYGBkZPj/n/nFHAcGZsYvDAwAKOwEwD2yKmsAAAAASUVORK5CYII="))
    let image = try decode(data)
    #expect(image.samples == [1, 256, 65535, 1000, 40000, 3, 500, 0])
    #expect(image.colorModel == .rgba)
  }

  @Test("refuses files that are cut off, damaged or something else") func damaged() throws {
    let image = PNGImage(
      width: 4, height: 4, colorModel: .rgb, bitDepth: 8, samples: (0..<48).map { UInt16($0 * 5) })
    let whole = image.encoded()
    for count in 0..<whole.count {
      #expect(throws: FormatError.self) { try decode(whole.prefix(count)) }
    }
    var huge = whole
    huge.replaceSubrange(16..<20, with: [0x7F, 0xFF, 0xFF, 0xFF])
    #expect(throws: FormatError.self) { try decode(huge) }
    let error = #expect(throws: FormatError.self) {
      try PNGImage(path: try folder.write(Data("GIF89a".utf8), to: "a.png"))
    }
    #expect(error?.category == .invalidData)
  }

  @Test(
    "agrees with an independent decoder",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: [
      ("medical/chase_db1/1stHO/Image_01R.png", 1, 72838, 9_052_682),
      ("restoration/Set14/LRx2/img_006.png", 8, 4_180_482, 522_596_523),
      ("restoration/Set12/01.png", 8, 7_780_728, 975_662_814),
    ])
  func published(name: String, bitDepth: Int, sum: Int, weightedSum: Int) throws {
    let image = try PNGImage(path: Shared.path("data/" + name))
    #expect(image.bitDepth == bitDepth)
    #expect(image.samples.reduce(0) { $0 + Int($1) } == sum)
    let weighted = image.samples.enumerated().reduce(0) { $0 + ($1.offset % 251) * Int($1.element) }
    #expect(weighted == weightedSum)
  }
}
