import Formats
import Foundation
import TestSupport
import Testing

@Suite("PNG headers")
struct PNGHeaderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "size, depth and kind are those of the decoded picture", arguments: [8, 16],
    [PNGImage.ColorModel.gray, .grayAlpha, .rgb, .rgba, .palette([[0, 0, 0], [9, 8, 7]])])
  func header(bitDepth: Int, model: PNGImage.ColorModel) throws {
    var bitDepth = bitDepth
    if case .palette = model { bitDepth = 8 }
    let image = PNGImage(
      width: 7, height: 3, colorModel: model, bitDepth: bitDepth,
      samples: (0..<21 * model.channelCount).map { UInt16($0 % 2) })
    let path = folder.file("a.png")
    try image.write(to: path)
    let header = try PNGHeader(path: path)
    #expect(header.width == 7 && header.height == 3 && header.bitDepth == bitDepth)
    let kind: PNGHeader.Kind =
      switch model {
      case .gray: .gray
      case .grayAlpha: .grayAlpha
      case .rgb: .rgb
      case .rgba: .rgba
      case .palette: .palette
      }
    #expect(header.kind == kind)
  }

  @Test("a file that is cut off anywhere, or something else, is refused")
  func damaged() throws {
    let image = PNGImage(
      width: 4, height: 4, colorModel: .rgb, bitDepth: 8, samples: (0..<48).map { UInt16($0 * 5) })
    let whole = image.encoded()
    for count in 0..<whole.count {
      let path = try folder.write(whole.prefix(count), to: "a.png")
      let error = #expect(throws: FormatError.self) { try PNGHeader(path: path) }
      #expect(error?.category == .invalidData)
    }
    let damages: [(place: Int, value: UInt8)] = [(0, 0), (12, 0x58), (16, 0xFF), (25, 5)]
    for (place, value) in damages {
      var other = whole
      other[place] = value
      let path = try folder.write(other, to: "a.png")
      #expect(throws: FormatError.self, "byte \(place)") { try PNGHeader(path: path) }
    }
    #expect(throws: FormatError.self) { try PNGHeader(path: folder.file("none.png")) }
  }
}
