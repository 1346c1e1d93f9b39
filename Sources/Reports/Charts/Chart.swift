/// Series of points over two axes, as lines or as single marks with error bars.
struct Chart {
  struct Point {
    var x: Double
    var y: Double
    /// Interval of `y`.
    var lower: Double?
    var upper: Double?

    init(_ x: Double, _ y: Double, lower: Double? = nil, upper: Double? = nil) {
      self.x = x
      self.y = y
      self.lower = lower
      self.upper = upper
    }
  }

  struct Series {
    enum Style {
      case line
      case marks
      /// Something that the others are held against, dashed in grey.
      case reference
      /// What the best of the others make up, a whole line in grey.
      case front

      var isGrey: Bool { self == .reference || self == .front }
    }
    var name: String
    var points: [Point]
    var style: Style = .line
  }

  let x: Axis
  let y: Axis
  let series: [Series]

  init(
    x: String, _ xScale: Axis.Scale = .linear, y: String, _ yScale: Axis.Scale? = nil,
    series: [Series]
  ) {
    let points = series.flatMap(\.points)
    let heights = points.flatMap { [$0.y, $0.lower, $0.upper].compactMap { $0 } }
    let hasMarks = series.contains { $0.style == .marks }
    self.x =
      hasMarks ? Axis(x, xScale, holding: points.map(\.x)) : Axis(x, spanning: points.map(\.x))
    self.y = Axis(y, yScale ?? Axis.scale(fitting: heights), holding: heights)
    self.series = series
  }

  /// The drawing; a legend stands below when there is more than one series.
  func svg(alternative: String) -> String {
    let labelWidth = y.ticks.labels.map(SVG.width).max() ?? 0
    let plot = Plot(
      left: labelWidth + 14, right: ChartStyle.width - 20, top: 34, bottom: 232, x: x, y: y)
    let legend = series.count > 1 ? Legend(series: series, styles: styles) : nil
    return SVG.document(
      width: ChartStyle.width, height: 286 + (legend?.height ?? 0), alternative: alternative,
      style: ChartStyle.sheet,
      body: plot.axes + zip(series, styles).map(plot.marks).joined()
        + (legend?.svg(top: 292) ?? ""))
  }

  /// How each series is drawn, nil for references.
  private var styles: [SeriesStyle?] {
    var next = 0
    return series.map { series in
      guard !series.style.isGrey else { return nil }
      defer { next += 1 }
      return SeriesStyle(index: next)
    }
  }
}

/// The rectangle in which data stands.
private struct Plot {
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double
  let x: Axis
  let y: Axis

  var axes: String {
    var parts = [SVG.text(y.title, x: 4, y: 18, kind: "chart-title")]
    for (value, label) in zip(y.ticks.values, y.ticks.labels) {
      guard let position = y.position(value) else { continue }
      let height = bottom - position * (bottom - top)
      parts.append(SVG.line(left, height, right, height, kind: "chart-grid"))
      parts.append(SVG.text(label, x: left - 7, y: height + 5, anchor: .end))
    }
    var free = -Double.infinity
    for (value, label) in zip(x.ticks.values, x.ticks.labels) {
      guard let position = x.position(value) else { continue }
      let place = left + position * (right - left)
      let half = SVG.width(of: label) / 2
      parts.append(SVG.line(place, bottom, place, bottom + 5, kind: "chart-axis"))
      guard place - half > free else { continue }
      parts.append(
        SVG.text(label, x: min(place, ChartStyle.width - half), y: bottom + 24, anchor: .middle))
      free = place + half + 8
    }
    parts.append(SVG.line(left, bottom, right, bottom, kind: "chart-axis"))
    parts.append(
      SVG.text(x.title, x: (left + right) / 2, y: bottom + 43, anchor: .middle, kind: "chart-title")
    )
    return parts.joined()
  }

  func marks(_ series: Chart.Series, _ style: SeriesStyle?) -> String {
    switch series.style {
    case .line, .reference, .front:
      let line = thinned(series.points).compactMap(place)
      let dots =
        line.count > 24 || style == nil ? "" : line.map { Mark.dot(at: $0, style) }.joined()
      return SVG.polyline(line, kind: "chart-line \(strokeClasses(style, series.style))") + dots
    case .marks:
      return series.points.compactMap { point in
        place(point).map { bar(point, $0, style) + Mark.svg(at: $0, style) }
      }.joined()
    }
  }

  private func place(_ point: Chart.Point) -> (x: Double, y: Double)? {
    guard let across = x.position(point.x), let up = y.position(point.y) else { return nil }
    return (left + across * (right - left), bottom - up * (bottom - top))
  }

  private func bar(
    _ point: Chart.Point, _ center: (x: Double, y: Double), _ style: SeriesStyle?
  ) -> String {
    guard let lower = point.lower, let upper = point.upper,
      let low = place(Chart.Point(point.x, lower)), let high = place(Chart.Point(point.x, upper))
    else { return "" }
    let kind = "chart-bar \(style.map { "chart-s\($0.color)" } ?? "chart-reference")"
    return SVG.line(center.x, low.y, center.x, high.y, kind: kind)
      + SVG.line(center.x - 4, low.y, center.x + 4, low.y, kind: kind)
      + SVG.line(center.x - 4, high.y, center.x + 4, high.y, kind: kind)
  }

  /// At most four points for each unit of width: first, least, greatest and last, so that no peak
  /// is lost.
  private func thinned(_ points: [Chart.Point]) -> [Chart.Point] {
    let columns = Int(right - left)
    guard points.count > 4 * columns else { return points }
    return (0..<columns).flatMap { column -> [Chart.Point] in
      let range = points.count * column / columns..<points.count * (column + 1) / columns
      let part = points[range]
      guard let least = part.indices.min(by: { points[$0].y < points[$1].y }),
        let most = part.indices.max(by: { points[$0].y < points[$1].y })
      else { return [] }
      return Set([range.lowerBound, least, most, range.upperBound - 1]).sorted().map { points[$0] }
    }
  }
}

/// Color and pattern of a series; those beyond the sixth repeat a color with another pattern.
private struct SeriesStyle {
  let color: Int
  /// Number of the dashes of its line and of the shape of its mark.
  let pattern: Int

  init(index: Int) {
    let count = ChartStyle.seriesCount
    color = index % count
    pattern = (index + index / count) % count
  }
}

private func strokeClasses(_ style: SeriesStyle?, _ kind: Chart.Series.Style) -> String {
  style.map { "chart-s\($0.color) chart-d\($0.pattern)" }
    ?? "chart-reference chart-d\(kind == .front ? 0 : 2)"
}

/// Circle, square, triangle, diamond, and two more.
private enum Mark {
  /// A point of a line of few points.
  static func dot(at center: (x: Double, y: Double), _ style: SeriesStyle?) -> String {
    circle(center, radius: 3, kind: kind(style))
  }

  private static func circle(
    _ center: (x: Double, y: Double), radius: Double, kind: String
  ) -> String {
    let (r, d) = (SVG.number(radius), SVG.number(2 * radius))
    return SVG.path(
      "M\(SVG.number(center.x - radius)) \(SVG.number(center.y))"
        + "a\(r) \(r) 0 1 0 \(d) 0a\(r) \(r) 0 1 0 -\(d) 0Z", kind: kind)
  }

  private static func kind(_ style: SeriesStyle?) -> String {
    style.map { "chart-m\($0.color)" } ?? "chart-reference-mark"
  }

  static func svg(at center: (x: Double, y: Double), _ style: SeriesStyle?) -> String {
    let (x, y) = center
    func polygon(_ corners: [(Double, Double)]) -> String {
      let points = corners.map { "\(SVG.number(x + $0.0)) \(SVG.number(y + $0.1))" }
      return SVG.path("M\(points.joined(separator: "L"))Z", kind: kind(style))
    }
    switch style?.pattern ?? -1 {
    case 0:
      return circle(center, radius: 5, kind: kind(style))
    case 1: return polygon([(-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)])
    case 2: return polygon([(0, -6), (5.5, 4.5), (-5.5, 4.5)])
    case 3: return polygon([(0, -6), (6, 0), (0, 6), (-6, 0)])
    case 4: return polygon([(0, 6), (5.5, -4.5), (-5.5, -4.5)])
    default: return polygon([(-6, -2.5), (6, -2.5), (6, 2.5), (-6, 2.5)])
    }
  }
}

/// Names of the series below the plot, in as many rows as they need.
private struct Legend {
  private var rows: [[(series: Chart.Series, style: SeriesStyle?, x: Double)]] = [[]]
  private static let rowHeight = 23.0

  init(series: [Chart.Series], styles: [SeriesStyle?]) {
    var x = 8.0
    for (series, style) in zip(series, styles) {
      let width = 38 + SVG.width(of: series.name) + 20
      if x + width > ChartStyle.width, x > 8 {
        rows.append([])
        x = 8
      }
      rows[rows.count - 1].append((series, style, x))
      x += width
    }
  }

  var height: Double { Double(rows.count) * Self.rowHeight + 6 }

  func svg(top: Double) -> String {
    rows.enumerated().flatMap { row, entries in
      entries.map { entry in
        let y = top + Double(row) * Self.rowHeight + 6
        let sample =
          entry.series.style == .marks
          ? Mark.svg(at: (entry.x + 15, y), entry.style)
          : SVG.line(
            entry.x, y, entry.x + 30, y,
            kind: "chart-line \(strokeClasses(entry.style, entry.series.style))")
        return sample + SVG.text(entry.series.name, x: entry.x + 38, y: y + 5)
      }
    }.joined()
  }
}
