internal import Foundation
internal import Recipes

/// The panels of one sample as one drawing with color bars.
///
/// Unsigned panels of the same unit share one range of colors; signed ones are centered on zero.
/// Panels much wider than high (space over time) stand below each other, others side by side.
struct PanelStrip {
  let panels: [RunRecord.Panel]

  func svg(alternative: String) -> String {
    let isStacked = panels.contains { $0.columns >= 2 * $0.rows }
    let (body, bottom) = isStacked ? stacked() : sideBySide()
    let (bars, height) = colorBars(top: bottom + 14)
    return SVG.document(
      width: ChartStyle.width, height: height, alternative: alternative, style: ChartStyle.sheet,
      body: body + bars)
  }

  private func stacked() -> (body: String, bottom: Double) {
    var body = ""
    var top = 0.0
    for (index, panel) in panels.enumerated() {
      let width = ChartStyle.width - 34
      let height = min(170, max(84, width * Double(panel.rows) / Double(max(1, panel.columns))))
      let isLast = index == panels.count - 1
      body += SVG.text(panel.title, x: 30, y: top + 18, kind: "chart-title")
      body += picture(panel, x: 30, y: top + 26, width: width, height: height)
      body += rowAxis(panel, middle: top + 26 + height / 2)
      top += 26 + height + 8
      if isLast {
        body += SVG.text(panel.columnAxis, x: 30 + width / 2, y: top + 10, anchor: .middle)
        top += 18
      }
    }
    return (body, top)
  }

  private func sideBySide() -> (body: String, bottom: Double) {
    let gap = 10.0
    // Four stand two by two, so that none is left alone in a row.
    let across = panels.count == 4 ? 2 : max(1, min(panels.count, 3))
    let count = Double(across)
    let width = (ChartStyle.width - 28 - gap * (count - 1) - 4) / count
    let ratio = panels.map { Double($0.rows) / Double(max(1, $0.columns)) }.max() ?? 1
    let height = width * min(2, ratio)
    var body = ""
    for (index, panel) in panels.enumerated() {
      let column = Double(index % across)
      let top = Double(index / across) * (height + 56)
      let x = 28 + column * (width + gap)
      body += SVG.text(panel.title, x: x, y: top + 18, kind: "chart-title")
      body += picture(panel, x: x, y: top + 26, width: width, height: height)
      body += SVG.text(panel.columnAxis, x: x + width / 2, y: top + height + 43, anchor: .middle)
      if column == 0 {
        body += rowAxis(panel, middle: top + 26 + height / 2)
      }
    }
    let rows = Double((panels.count + across - 1) / across)
    return (body, rows * (height + 56) - 4)
  }

  /// The name of the vertical axis; a short one stands upright.
  private func rowAxis(_ panel: RunRecord.Panel, middle: Double) -> String {
    panel.rowAxis.count > 2
      ? SVG.upward(panel.rowAxis, x: 18, y: middle)
      : SVG.text(panel.rowAxis, x: 12, y: middle + 5, anchor: .middle)
  }

  private func picture(
    _ panel: RunRecord.Panel, x: Double, y: Double, width: Double, height: Double
  ) -> String {
    let png = panel.classNames.map { Self.colors($0, of: panel).picture(panel) } ?? shades(panel)
    return SVG.image(png, x: x, y: y, width: width, height: height)
      + "<rect class=\"chart-frame\" x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" "
      + "width=\"\(SVG.number(width))\" height=\"\(SVG.number(height))\"/>"
  }

  private static func colors(_ names: [String], of panel: RunRecord.Panel) -> ClassColors {
    ClassColors(names, ofErrors: panel.title == "error")
  }

  private func shades(_ panel: RunRecord.Panel) -> Data {
    let range = range(of: panel)
    return palette(panel.isSigned).picture(
      width: panel.columns, height: panel.rows,
      shares: panel.values.map { (Double($0) - range.lower) / (range.upper - range.lower) })
  }

  /// One bar for each range of colors, with the titles of its panels.
  private func colorBars(top: Double) -> (svg: String, height: Double) {
    var groups: [(panel: RunRecord.Panel, titles: [String])] = []
    for panel in panels {
      if let index = groups.firstIndex(where: { sharesRange($0.panel, panel) }) {
        groups[index].titles.append(panel.title)
      } else {
        groups.append((panel, [panel.title]))
      }
    }
    var svg = ""
    var top = top
    for (panel, titles) in groups {
      if let names = panel.classNames {
        let legend = Self.colors(names, of: panel).legend(
          titles.joined(separator: ", "), top: top, width: ChartStyle.width - 60)
        svg += legend.svg
        top += legend.height
        continue
      }
      let range = range(of: panel)
      let name =
        titles.joined(separator: ", ") + (panel.unit.isEmpty ? "" : " (\(panel.unit))")
      let ramp = palette(panel.isSigned).picture(
        width: 256, height: 1, shares: (0...255).map { Double($0) / 255 })
      let middle = (range.lower + range.upper) / 2
      let isCentered = abs(middle) < 1e-3 * (range.upper - range.lower)
      svg += SVG.text(name, x: 30, y: top + 12)
      svg += SVG.image(ramp, x: 30, y: top + 19, width: ChartStyle.width - 60, height: 11)
      for (value, x, anchor) in [
        (range.lower, 30, SVG.Anchor.start),
        (isCentered ? 0 : middle, ChartStyle.width / 2, .middle),
        (range.upper, ChartStyle.width - 30, .end),
      ] {
        svg += SVG.text(Numbers.significant(value), x: x, y: top + 46, anchor: anchor)
      }
      top += 60
    }
    return (svg, top)
  }

  private func sharesRange(_ first: RunRecord.Panel, _ second: RunRecord.Panel) -> Bool {
    first.isSigned == second.isSigned && first.unit == second.unit
      && first.classNames == second.classNames
      && (first.classNames != nil || (first.title == "input") == (second.title == "input"))
  }

  private func palette(_ isSigned: Bool) -> Palette { isSigned ? .diverging : .sequential }

  private func range(of panel: RunRecord.Panel) -> (lower: Double, upper: Double) {
    let values = panels.filter { sharesRange($0, panel) }.flatMap(\.values).filter(\.isFinite)
    let lower = Double(values.min() ?? 0)
    let upper = Double(values.max() ?? 1)
    if panel.isSigned {
      let reach = max(abs(lower), abs(upper))
      return reach > 0 ? (-reach, reach) : (-1, 1)
    }
    return upper > lower ? (lower, upper) : (lower - 0.5, lower + 0.5)
  }
}
