/// A square matrix of shares as shaded cells: rows sum to one, classes by name at the rows and by number at
/// the columns.
///
/// Cells hold their share in percent where they have room; zero stays empty. Shades run from white to
/// blue in light and dark pages alike, with black or white on them, whichever stands out more.
struct ShareMatrix {
  let names: [String]
  /// `[row, column]`, each from 0 to 1.
  let shares: [[Double]]
  let rowTitle: String
  let columnTitle: String

  private static let lineHeight = 19.0
  private static let widestNames = 170.0
  /// Room of `100` in a cell.
  private static let roomOfText = 29.0
  private static let barHeight = 12.0

  private var labels: [String] { names.enumerated().map { "\($0 + 1) \(clipped($1))" } }
  private var left: Double { (labels.map(SVG.width).max() ?? 0) + 10 }
  private var cell: (width: Double, height: Double) {
    let width = min(46, (ChartStyle.width - left - 6) / Double(max(1, names.count)))
    return (width, max(Self.lineHeight, min(32, width)))
  }

  func svg(alternative: String) -> String {
    let top = 50.0
    let (width, height) = cell
    let bottom = top + height * Double(names.count)
    var body = SVG.text(rowTitle, x: 4, y: 18, kind: "chart-title")
    body += SVG.text(
      columnTitle, x: ChartStyle.width - 4, y: 18, anchor: .end, kind: "chart-title")
    let stride = Int((24 / width).rounded(.up))
    for (number, label) in labels.enumerated() {
      let middle = top + (Double(number) + 0.5) * height + 5
      body += SVG.text(label, x: left - 6, y: middle, anchor: .end)
      if number.isMultiple(of: stride) {
        let x = left + (Double(number) + 0.5) * width
        body += SVG.text("\(number + 1)", x: x, y: top - 7, anchor: .middle)
      }
    }
    for (row, line) in shares.enumerated() {
      for (column, share) in line.enumerated() {
        let (x, y) = (left + Double(column) * width, top + Double(row) * height)
        body += shade(share, x: x, y: y, width: width, height: height)
        if share > 0, width >= Self.roomOfText {
          body += SVG.text(
            Numbers.fixed(share * 100, decimals: 0), x: x + width / 2, y: y + height / 2 + 5,
            anchor: .middle, fill: Self.ink(on: Self.color(share)))
        }
      }
    }
    let right = left + width * Double(names.count)
    body +=
      "<rect class=\"chart-frame\" x=\"\(SVG.number(left))\" y=\"\(SVG.number(top))\" "
      + "width=\"\(SVG.number(right - left))\" height=\"\(SVG.number(bottom - top))\"/>"
    return SVG.document(
      width: ChartStyle.width, height: bottom + 62, alternative: alternative,
      style: ChartStyle.sheet, body: body + bar(top: bottom + 14))
  }

  /// Shades from 0 to 100 %.
  private func bar(top: Double) -> String {
    let (begin, steps) = (30.0, 20)
    let step = (ChartStyle.width - 2 * begin) / Double(steps)
    var body = (0..<steps).map { index in
      shade(
        Double(index) / Double(steps - 1), x: begin + Double(index) * step, y: top, width: step,
        height: Self.barHeight)
    }.joined()
    let line = top + Self.barHeight + 18
    body += SVG.text("0 %", x: begin, y: line)
    body += SVG.text("share of the row", x: ChartStyle.width / 2, y: line, anchor: .middle)
    return body + SVG.text("100 %", x: ChartStyle.width - begin, y: line, anchor: .end)
  }

  private func shade(
    _ share: Double, x: Double, y: Double, width: Double, height: Double
  ) -> String {
    let color = Self.color(share)
    return "<rect style=\"fill:rgb(\(color.red),\(color.green),\(color.blue))\" "
      + "x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" width=\"\(SVG.number(width))\" "
      + "height=\"\(SVG.number(height))\"/>"
  }

  private static func color(_ share: Double) -> Palette.Color {
    Palette.shades.colors[Int((min(1, max(0, share)) * 255).rounded())]
  }

  /// Black where its contrast (WCAG 2) is the larger one; then it is 4.58 or more.
  private static func ink(on color: Palette.Color) -> String {
    (color.luminance + 0.05) / 0.05 >= 1.05 / (color.luminance + 0.05) ? "#000" : "#fff"
  }

  private func clipped(_ name: String) -> String {
    let most = Int(Self.widestNames / SVG.width(of: "m"))
    // Names that begin alike often end differently.
    let half = (most - 1) / 2
    return name.count > most ? "\(name.prefix(most - 1 - half))…\(name.suffix(half))" : name
  }
}
