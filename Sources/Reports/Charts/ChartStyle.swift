/// Colors and sizes of drawings.
///
/// The series' colors are those of Okabe and Ito (2008), in an order that keeps neighbors apart on
/// light and on dark ground; dashes and marks tell series apart without color. Text of 14.5 in a
/// drawing 440 wide is never below 11 pixels, since the page never shows it narrower than 334, the
/// width of the text on a screen of 360.
enum ChartStyle {
  static let width = 440.0
  static let seriesCount = 6

  private static let light = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
  private static let dark = ["#56B4E9", "#E69F00", "#2FC297", "#E7A1C8", "#F0E442", "#F08A4B"]
  private static let dashes = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2"]

  static let sheet: String = {
    let base = """
      .chart{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:14.5px}\
      .chart-ground{fill:#fff}.chart-text{fill:#33383f}.chart-title{fill:#14171b;font-weight:600}\
      .chart-grid{stroke:#e3e6ea;stroke-width:1}.chart-axis{stroke:#8a929c;stroke-width:1}\
      .chart-line{fill:none;stroke-width:2;stroke-linejoin:round}\
      .chart-bar{stroke-width:1.5}.chart-reference{stroke:#6b737d}\
      .chart-reference-mark{fill:#6b737d}.chart-frame{fill:none;stroke:#8a929c;stroke-width:1}
      """
    let series = light.indices.map { index in
      ".chart-s\(index){stroke:\(light[index])}.chart-m\(index){fill:\(light[index])}"
        + ".chart-d\(index){stroke-dasharray:\(dashes[index])}"
    }.joined()
    let night = """
      .chart-ground{fill:#16191d}.chart-text{fill:#c3c9d1}.chart-title{fill:#eef0f3}\
      .chart-grid{stroke:#2a2f36}.chart-axis,.chart-frame{stroke:#6b737d}\
      .chart-reference{stroke:#9aa3ad}.chart-reference-mark{fill:#9aa3ad}
      """
    let nightSeries = dark.indices.map { index in
      ".chart-s\(index){stroke:\(dark[index])}.chart-m\(index){fill:\(dark[index])}"
    }.joined()
    return base + series + "@media screen and (prefers-color-scheme:dark){\(night)\(nightSeries)}"
  }()
}
