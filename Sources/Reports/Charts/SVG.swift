internal import Foundation

/// Elements of a drawing, as text.
enum SVG {
  /// A whole drawing, which names itself to screen readers.
  static func document(
    width: Double, height: Double, alternative: String, style: String, body: String
  ) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 \(number(width)) \
    \(number(height))" width="\(number(width))" height="\(number(height))" role="img" \
    aria-label="\(Escape.html(alternative))"><style>\(style)</style>\
    <rect class="chart-ground" width="100%" height="100%"/>\(body)</svg>
    """
  }

  enum Anchor: String { case start, middle, end }

  static func text(
    _ text: String, x: Double, y: Double, anchor: Anchor = .start, kind: String = "chart-text",
    fill: String? = nil
  ) -> String {
    "<text class=\"\(kind)\" \(fill.map { "style=\"fill:\($0)\" " } ?? "")x=\"\(number(x))\" y=\"\(number(y))\" "
      + "text-anchor=\"\(anchor.rawValue)\">\(Escape.html(text))</text>"
  }

  /// A text around a point that reads from below.
  static func upward(_ text: String, x: Double, y: Double) -> String {
    "<text class=\"chart-text\" text-anchor=\"middle\" "
      + "transform=\"translate(\(number(x)) \(number(y))) rotate(-90)\">\(Escape.html(text))</text>"
  }

  static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, kind: String
  ) -> String {
    "<line class=\"\(kind)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" "
      + "x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>"
  }

  static func polyline(_ points: [(x: Double, y: Double)], kind: String) -> String {
    let list = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    return "<polyline class=\"\(kind)\" points=\"\(list)\"/>"
  }

  static func path(_ data: String, kind: String) -> String {
    "<path class=\"\(kind)\" d=\"\(data)\"/>"
  }

  /// A picture of pixels, stretched without smoothing.
  static func image(_ png: Data, x: Double, y: Double, width: Double, height: Double) -> String {
    "<image x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
      + "height=\"\(number(height))\" preserveAspectRatio=\"none\" "
      + "style=\"image-rendering:pixelated\" "
      + "href=\"data:image/png;base64,\(png.base64EncodedString())\"/>"
  }

  /// A coordinate to a tenth.
  static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
  }

  /// Width of a text of the drawing's size, generously.
  static func width(of text: String) -> Double { 7.9 * Double(text.count) }
}
