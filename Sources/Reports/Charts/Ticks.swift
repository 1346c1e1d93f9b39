internal import Foundation

/// Where an axis is marked, and with which words.
package struct Ticks: Equatable {
  package var values: [Double]
  package var labels: [String]

  /// About `count` marks at 1, 2 or 5 times a power of ten that cover the range from inside.
  package static func linear(from lower: Double, to upper: Double, count: Int = 5) -> Ticks {
    guard upper > lower else { return Ticks(values: [lower], labels: [Numbers.significant(lower)]) }
    let rough = (upper - lower) / Double(count)
    let magnitude = pow(10, log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * magnitude }.first { $0 >= rough * 0.999_999 } ?? rough
    let first = Int((lower / step - 1e-9).rounded(.up))
    let last = Int((upper / step + 1e-9).rounded(.down))
    let values = (first...max(first, last)).map { Double($0) * step }
    let largest = max(abs(lower), abs(upper))
    guard largest < 1e6, step > 1e-5 else {
      return Ticks(values: values, labels: values.map { Numbers.significant($0, digits: 2) })
    }
    let decimals = max(0, -Int(log10(step * 1.000_001).rounded(.down)))
    return Ticks(values: values, labels: values.map { Numbers.fixed($0, decimals: decimals) })
  }

  /// The marks at whole numbers.
  var whole: Ticks {
    let kept = values.filter { abs($0 - $0.rounded()) < 1e-9 }.map { $0.rounded() }
    return Ticks(values: kept, labels: kept.map { Numbers.count(Int($0)) })
  }

  /// Powers of ten within the range; also their doubles and fives where there are fewer than two.
  package static func logarithmic(from lower: Double, to upper: Double) -> Ticks {
    let first = Int((log10(lower) - 1e-9).rounded(.down))
    let last = Int((log10(upper) + 1e-9).rounded(.up))
    func marks(_ factors: [Double], every stride: Int) -> [Double] {
      (first...last).filter { $0.isMultiple(of: stride) }.flatMap { exponent in
        factors.map { $0 * pow(10, Double(exponent)) }
      }.filter { $0 >= lower * 0.999_999 && $0 <= upper * 1.000_001 }
    }
    var values = marks([1], every: max(1, (last - first + 5) / 6))
    if values.count < 3 { values = marks([1, 2, 5], every: 1) }
    guard values.count > 1 else { return linear(from: lower, to: upper) }
    return Ticks(values: values, labels: values.map(plain))
  }

  /// A mark's number without superfluous zeros: `0.05`, `1`, `2000`, `1e-6`.
  private static func plain(_ value: Double) -> String {
    let exponent = Int((log10(value) + 1e-9).rounded(.down))
    guard (-4...5).contains(exponent) else {
      return "\(Int((value / pow(10, Double(exponent))).rounded()))e\(exponent)"
    }
    return Numbers.fixed(value, decimals: max(0, -exponent))
  }
}
