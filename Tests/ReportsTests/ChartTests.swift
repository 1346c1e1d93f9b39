import Formats
import Foundation
import Reports
import Testing

@Suite struct TickTests {
  @Test(
    "linear ticks are at 1, 2 or 5 times a power of ten",
    arguments: [
      (0.0, 200.0, ["0", "50", "100", "150", "200"]),
      (0.018, 0.052, ["0.02", "0.03", "0.04", "0.05"]),
      (-3.0, 3.0, ["−2", "0", "2"]),
      (0.0, 0.0101, ["0.000", "0.005", "0.010"]),
    ])
  func linear(lower: Double, upper: Double, labels: [String]) {
    #expect(Ticks.linear(from: lower, to: upper).labels == labels)
  }

  @Test(
    "logarithmic ticks are powers of ten, or finer where there are too few",
    arguments: [
      (0.0003, 2.0, ["0.001", "0.01", "0.1", "1"]),
      (0.04, 0.6, ["0.05", "0.1", "0.2", "0.5"]),
      (1e-12, 1.0, ["1e-12", "1e-9", "1e-6", "0.001", "1"]),
      (60_000.0, 350_000.0, ["100,000", "200,000"]),
    ])
  func logarithmic(lower: Double, upper: Double, labels: [String]) {
    #expect(Ticks.logarithmic(from: lower, to: upper).labels == labels)
  }

  @Test("an empty range has one tick")
  func empty() { #expect(Ticks.linear(from: 3, to: 3).values == [3]) }
}

@Suite struct PictureTests {
  @Test("magnitudes grow lighter all the way, so they read without color")
  func sequential() {
    let luminance = Palette.sequential.colors.map(\.luminance)
    #expect(luminance.count == 256)
    // Four steps apart, since a single step may be lost to the rounding of 8 bits.
    #expect(zip(luminance, luminance.dropFirst(4)).allSatisfy { $0 < $1 })
    #expect(luminance[255] - luminance[0] > 0.7)
  }

  @Test("signed values are lightest at zero and blue or red away from it")
  func diverging() {
    let colors = Palette.diverging.colors
    let lightest = colors.indices.max { colors[$0].luminance < colors[$1].luminance }
    #expect(lightest == 127 || lightest == 128)
    #expect(colors[0].blue > colors[0].red && colors[255].red > colors[255].blue)
  }

  @Test("a picture holds the palette's colors, out of range the nearest")
  func picture() throws {
    let shares = [0, 1, -3, 7, .nan, 0.5]
    let png = Palette.diverging.picture(width: 3, height: 2, shares: shares)
    let image = try png.withUnsafeBytes { try PNGImage(decoding: $0, path: "memory") }
    let colors = Palette.diverging.colors
    let expected = [0, 255, 0, 255, 0, 128].flatMap { index in
      [colors[index].red, colors[index].green, colors[index].blue].map(UInt16.init)
    }
    #expect((image.width, image.height) == (3, 2))
    #expect(image.samples == expected)
  }
}

@Suite struct SeriesTests {
  @Test("many series differ in color or pattern, each")
  func manySeries() throws {
    let runs = (1...9).map { index in
      SyntheticRuns.run { ($0.name, $0.trained) = ("arm\(index)", 1000 * index) }
    }
    let figure = try Report(comparing: runs).section("Validation during training").figures[0]
    let classes = figure.svg.components(separatedBy: "<polyline class=\"").dropFirst().map {
      String($0.prefix { $0 != "\"" })
    }
    #expect(classes.count == 9)
    #expect(Set(classes).count == 9)
  }
}
