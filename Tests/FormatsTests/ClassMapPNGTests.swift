import Formats
import Foundation
import TestSupport
import Testing

@Suite("Class maps as pictures") struct ClassMapPNGTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("palettes are written and read back", arguments: [false, true])
  func palette(isTransparent: Bool) throws {
    let colors: [[UInt8]] = [[255, 255, 255], [230, 159, 0], [0, 114, 178]]
    let model = PNGImage.ColorModel.palette(
      isTransparent ? [colors[0] + [0], colors[1] + [255], colors[2] + [255]] : colors)
    let image = PNGImage(
      width: 5, height: 3, colorModel: model, bitDepth: 8, samples: (0..<15).map { $0 % 3 })
    try image.write(to: folder.file("a.png"))
    #expect(try PNGImage(path: folder.file("a.png")) == image)
  }

  /// A pixel of the map in a picture whose map was neither thinned nor enlarged.
  private func color(_ image: PNGImage, _ column: Int, _ row: Int) throws -> [UInt8] {
    guard case .palette(let colors) = image.colorModel else {
      throw CocoaError(.featureUnsupported)
    }
    return colors[Int(image.samples[row * image.width + column])]
  }

  @Test("each class has its color, and what is no class is transparent") func colors() throws {
    var map = ClassMapPNG(width: 700, height: 4, classNames: ["water", "forest", "field"])
    let row = (0..<700).map { UInt8([0, 1, 2, 3, 255][$0 % 5]) }
    map.append(row + row)
    map.append(row)
    map.append(row)
    let image = map.image()
    let palette = ClassPalette.colors(3)
    for y in 0..<4 {
      for x in 0..<700 {
        let expected = x % 5 < 3 ? palette[x % 5] + [255] : [255, 255, 255, 0]
        #expect(try color(image, x, y) == expected)
      }
    }
    #expect(image.width == 700 && image.height > 30)
    try map.write(to: folder.file("map.png"))
    #expect(try PNGImage(path: folder.file("map.png")) == image)
    #expect(try folder.names == ["map.png"])
  }

  @Test("large maps are thinned to the middle of squares, small ones enlarged") func sizes() throws
  {
    var large = ClassMapPNG(width: 1201, height: 900, classNames: ["a", "b"], longestSide: 401)
    for row in 0..<900 {
      // Only the middle of each 3×3 square is of class 1.
      large.append((0..<1201).map { Int32(row % 3 == 1 && $0 % 3 == 1 ? 1 : 0) })
    }
    let image = large.image()
    #expect(image.width == 401)
    let palette = ClassPalette.colors(2)
    for y in 0..<300 {
      for x in 0..<400 { #expect(try color(image, x, y) == palette[1] + [255]) }
      #expect(try color(image, 400, y) == palette[0] + [255])
    }
    var small = ClassMapPNG(width: 2, height: 1, classNames: ["a", "b"])
    small.append([0, 1])
    let enlarged = small.image()
    #expect(enlarged.width == 640)
    #expect(try color(enlarged, 319, 319) == palette[0] + [255])
    #expect(try color(enlarged, 320, 0) == palette[1] + [255])
  }

  @Test("the legend has a swatch and a name for each class, in letters that it knows")
  func legend() throws {
    func picture(_ names: [String]) -> PNGImage {
      var map = ClassMapPNG(width: 640, height: 1, classNames: names)
      map.append([Int](repeating: 0, count: 640))
      return map.image()
    }
    let named = picture(["forêt", "Wald — naß"])
    #expect(named == picture(["foret", "Wald ? na?"]))
    #expect(named != picture(["foret", "Wald ? nas"]))
    let palette = ClassPalette.colors(2)
    for (number, expected) in palette.enumerated() {
      let count = (640..<named.samples.count).count { Int(named.samples[$0]) == number + 3 }
      #expect(count == 26 * 12, "swatch of \(expected)")
    }
  }

  @Test("twenty colors stay apart for people with color-vision deficiencies") func palette() {
    let colors = ClassPalette.colors(253)
    #expect(Set(colors).count == 253)
    #expect(Array(colors.prefix(12)) == ClassPalette.colors(12))
    #expect(abs(ClassPalette.distance([0, 0, 0], [255, 255, 255]) - 1) < 1e-6)
    func smallest(_ colors: [[UInt8]]) -> Double {
      var smallest = Double.infinity
      for (index, one) in colors.enumerated() {
        for other in colors[..<index] {
          smallest = min(smallest, ClassPalette.distance(one, other))
        }
      }
      return smallest
    }
    // The seven of Okabe and Ito lie 0.0761 apart. Twenty hues of full saturation come down to 0.0009,
    // the usual ten pairs of dark and light hues to 0.0065.
    #expect(smallest(Array(colors.prefix(7))) > 0.076)
    #expect(smallest(Array(colors.prefix(20))) > 0.07)
    #expect(smallest(colors) > 0)
  }
}
