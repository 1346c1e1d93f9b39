internal import Formats
internal import Foundation
internal import Recipes

/// Colors of classes in pictures, with a legend.
struct ClassColors {
  private let names: [String]
  private let colors: [[UInt8]]

  /// Of the classes of a panel; one of errors has colors that no class has.
  init(_ names: [String], ofErrors: Bool = false) {
    self.names = names
    colors = ofErrors ? [[225, 225, 225], [140, 20, 60]] : ClassPalette.colors(names.count)
  }

  /// A picture of class numbers; what is none is white.
  func picture(_ panel: RunRecord.Panel) -> Data {
    let samples = panel.values.flatMap { value -> [UInt16] in
      let number = value.isFinite ? Int(value) : -1
      return (colors.indices.contains(number) ? colors[number] : [255, 255, 255]).prefix(3)
        .map(UInt16.init)
    }
    return PNGImage(
      width: panel.columns, height: panel.rows, colorModel: .rgb, bitDepth: 8, samples: samples
    ).encoded()
  }

  /// Side of a swatch, and the room of one letter.
  private static let side = 11.0
  private static let letter = 7.0

  /// Swatches with names in lines of some width.
  func legend(_ title: String, top: Double, width: Double) -> (svg: String, height: Double) {
    var svg = SVG.text(title, x: 30, y: top + 12)
    var (x, y) = (30.0, top + 20)
    for (name, color) in zip(names, colors) {
      let room = Self.side + 6 + Self.letter * Double(name.count) + 14
      if x > 30, x + room > 30 + width { (x, y) = (30, y + 18) }
      let fill = "rgb(\(color[0]),\(color[1]),\(color[2]))"
      svg +=
        "<rect class=\"chart-frame\" style=\"fill:\(fill)\" x=\"\(SVG.number(x))\" "
        + "y=\"\(SVG.number(y))\" width=\"\(SVG.number(Self.side))\" "
        + "height=\"\(SVG.number(Self.side))\"/>"
      svg += SVG.text(name, x: x + Self.side + 6, y: y + 10)
      x += room
    }
    return (svg, y + 32 - top)
  }
}
