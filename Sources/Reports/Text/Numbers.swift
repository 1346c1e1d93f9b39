internal import Foundation

/// How numbers read in a report; the same everywhere, whatever the locale.
package enum Numbers {
  /// About `digits` significant digits: `0.0214`, `1,235`, `3.1e-7`.
  package static func significant(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return nonFinite(value) }
    guard value != 0 else { return "0" }
    // The exponent after rounding, so that 0.9999 is 1.00 and not 1.000.
    let parts = String(format: "%.*e", digits - 1, value).split(separator: "e")
    let exponent = Int(parts[1]) ?? 0
    if exponent < -4 || exponent > 8 { return minus("\(parts[0])e\(exponent)") }
    return fixed(value, decimals: max(0, digits - 1 - exponent))
  }

  /// A value with its interval, in as many decimals as two digits of the interval's width need.
  package static func estimate(_ value: Double, _ lower: Double?, _ upper: Double?) -> String {
    guard let lower, let upper, lower.isFinite, upper.isFinite, value.isFinite else {
      return significant(value)
    }
    let width = upper - lower
    guard width > 0 else {
      return "\(significant(value)) [\(significant(lower)), \(significant(upper))]"
    }
    let decimals = max(0, 1 - Int(log10(width).rounded(.down)))
    guard decimals <= 6 else {
      return "\(significant(value)) [\(significant(lower)), \(significant(upper))]"
    }
    let parts = [value, lower, upper].map { fixed($0, decimals: decimals) }
    return "\(parts[0]) [\(parts[1]), \(parts[2])]"
  }

  /// Mean ± sample standard deviation; the mean alone for one value.
  package static func meanAndSpread(_ values: [Double]) -> String {
    guard !values.isEmpty else { return "" }
    let mean = mean(values)
    guard values.count > 1 else { return significant(mean) }
    let spread = spread(values)
    guard spread.isFinite, spread > 1e-5 * abs(mean) else { return "\(significant(mean)) ± 0" }
    let decimals = min(6, max(0, 1 - Int(log10(spread).rounded(.down))))
    return "\(fixed(mean, decimals: decimals)) ± \(fixed(spread, decimals: decimals))"
  }

  static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  static func spread(_ values: [Double]) -> Double {
    let mean = mean(values)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(max(1, values.count - 1))).squareRoot()
  }

  package static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return nonFinite(value) }
    let text = String(format: "%.*f", decimals, abs(value))
    let parts = text.split(separator: ".")
    let whole = grouped(String(parts[0]))
    let isZero = text.allSatisfy { $0 == "0" || $0 == "." }
    return (value < 0 && !isZero ? "−" : "") + whole + (parts.count > 1 ? ".\(parts[1])" : "")
  }

  package static func count(_ value: Int) -> String { minus(grouped(String(value))) }

  package static func percent(_ share: Double) -> String {
    let value = share * 100
    return
      (value >= 10 || value == 0
      ? fixed(value, decimals: 0)
      : value >= 1 ? fixed(value, decimals: 1) : significant(value, digits: 2))
      + " %"
  }

  package static func bytes(_ value: Int) -> String {
    guard value >= 1024 else { return "\(value) B" }
    var size = Double(value)
    var unit = 0
    while size >= 1024, unit < 4 {
      size /= 1024
      unit += 1
    }
    return "\(fixed(size, decimals: size < 10 ? 1 : 0)) \(["B", "KiB", "MiB", "GiB", "TiB"][unit])"
  }

  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return nonFinite(seconds) }
    guard seconds >= 60 else {
      return seconds >= 10
        ? "\(fixed(seconds, decimals: 0)) s" : "\(significant(seconds, digits: 2)) s"
    }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  private static func nonFinite(_ value: Double) -> String {
    value.isNaN ? "not a number" : value > 0 ? "∞" : "−∞"
  }

  private static func minus(_ text: String) -> String {
    text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  /// Commas between groups of three digits, from five digits on.
  private static func grouped(_ digits: String) -> String {
    let sign = digits.hasPrefix("-") ? "-" : ""
    let plain = digits.dropFirst(sign.count)
    guard plain.count > 4 else { return digits }
    var groups: [Substring] = []
    var rest = plain
    while !rest.isEmpty {
      groups.insert(rest.suffix(3), at: 0)
      rest = rest.dropLast(min(3, rest.count))
    }
    return sign + groups.joined(separator: ",")
  }
}
