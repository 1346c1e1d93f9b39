internal import Recipes

/// How often decisions are right over how sure the model was of them, above how many there are.
///
/// Bars reach to the share of right samples of a bin, marks stand at its mean confidence; a calibrated
/// model's marks lie on the diagonal. After DeGroot and Fienberg 1983, The Statistician 32:12–22.
struct ReliabilityDiagram {
  let bins: [RunRecord.CalibrationBin]

  private let left = 46.0
  private let right = ChartStyle.width - 20
  private let top = 34.0
  private let bottom = 234.0
  /// The histogram's ground line, and its height.
  private let ground = 352.0
  private let histogramHeight = 64.0

  func svg(alternative: String) -> String {
    SVG.document(
      width: ChartStyle.width, height: ground + 56, alternative: alternative,
      style: ChartStyle.sheet, body: axes + diagonal + bars + histogram)
  }

  private func across(_ share: Double) -> Double { left + share * (right - left) }
  private func up(_ share: Double) -> Double { bottom - share * (bottom - top) }

  private var axes: String {
    var parts = [
      SVG.text("share of right samples", x: 4, y: 18, kind: "chart-title"),
      SVG.text("share of samples in the bin", x: 4, y: 274, kind: "chart-title"),
      SVG.text(
        "largest probability (confidence)", x: (left + right) / 2, y: ground + 44, anchor: .middle,
        kind: "chart-title"),
    ]
    for step in 0...5 {
      let share = Double(step) / 5
      let label = Numbers.fixed(share, decimals: 1)
      parts.append(SVG.line(left, up(share), right, up(share), kind: "chart-grid"))
      parts.append(SVG.text(label, x: left - 7, y: up(share) + 5, anchor: .end))
      parts.append(SVG.line(across(share), ground, across(share), ground + 5, kind: "chart-axis"))
      parts.append(SVG.text(label, x: across(share), y: ground + 22, anchor: .middle))
    }
    return parts.joined()
  }

  private var diagonal: String {
    SVG.line(across(0), up(0), across(1), up(1), kind: "chart-line chart-reference chart-d2")
  }

  private var bars: String {
    bins.map { bin in
      guard let accuracy = bin.accuracy, let confidence = bin.meanConfidence else { return "" }
      let mark = (x: across(confidence), y: up(accuracy))
      return bar(bin, from: bottom, height: accuracy * (bottom - top))
        + SVG.path(
          "M\(SVG.number(mark.x - 4)) \(SVG.number(mark.y))a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
          kind: "chart-m0")
    }.joined() + SVG.line(left, bottom, right, bottom, kind: "chart-axis")
  }

  /// Shares of all samples, up to the largest.
  private var histogram: String {
    let total = Double(max(1, bins.reduce(0) { $0 + $1.count }))
    let most = max(bins.map { Double($0.count) / total }.max() ?? 1, 1e-9)
    let label = Numbers.percent(most)
    return bins.map {
      bar($0, from: ground, height: Double($0.count) / total / most * histogramHeight)
    }.joined() + SVG.line(left, ground, right, ground, kind: "chart-axis")
      + SVG.line(
        left, ground - histogramHeight, right, ground - histogramHeight, kind: "chart-grid")
      + SVG.text(
        label, x: left - 7, y: ground - histogramHeight + 5, anchor: .end)
  }

  private func bar(
    _ bin: RunRecord.CalibrationBin, from ground: Double, height: Double
  ) -> String {
    let (x, width) = (across(bin.lower) + 1, across(bin.upper) - across(bin.lower) - 2)
    return "<rect class=\"chart-m0\" style=\"fill-opacity:.35\" x=\"\(SVG.number(x))\" "
      + "y=\"\(SVG.number(ground - height))\" width=\"\(SVG.number(width))\" "
      + "height=\"\(SVG.number(height))\"/>"
  }
}
