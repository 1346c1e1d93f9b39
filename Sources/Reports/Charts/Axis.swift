internal import Foundation

/// Maps values to places along one side of a plot.
struct Axis {
  enum Scale {
    case linear
    case logarithmic
    /// Linear with zero and with marks at whole numbers only, for what is counted.
    case whole
  }

  let title: String
  let scale: Scale
  let ticks: Ticks
  private let lower: Double
  private let upper: Double

  /// An axis that holds all values with some room.
  ///
  /// A logarithmic axis leaves out what is not positive, and becomes linear when nothing is left. A
  /// linear axis whose values are all positive and nearly reach zero begins at zero.
  init(_ title: String, _ scale: Scale, holding values: [Double]) {
    self.title = title
    let finite = (scale == .whole ? values + [0] : values).filter(\.isFinite)
    let positive = finite.filter { $0 > 0 }
    if scale == .logarithmic, let least = positive.min(), let most = positive.max() {
      self.scale = .logarithmic
      let room = max(pow(most / least, 0.06), 1.05)
      (lower, upper) = (least / room, most * room)
      ticks = .logarithmic(from: lower, to: upper)
    } else {
      self.scale = .linear
      let least = finite.min() ?? 0
      let most = finite.max() ?? 1
      let span = most > least ? most - least : max(abs(most), 1) * 0.5
      let begin = least >= 0 && least < 0.35 * span ? 0 : least - 0.06 * span
      (lower, upper) = (begin, most + 0.06 * span)
      let ticks = Ticks.linear(from: lower, to: upper)
      self.ticks = scale == .whole ? ticks.whole : ticks
    }
  }

  /// An axis from the first to the last value without room, as steps have.
  init(_ title: String, spanning values: [Double]) {
    self.title = title
    scale = .linear
    let finite = values.filter(\.isFinite)
    lower = finite.min() ?? 0
    upper = max(finite.max() ?? 1, lower + 1e-12)
    ticks = .linear(from: lower, to: upper)
  }

  /// Place of a value from 0 to 1; nil where the axis cannot show it.
  func position(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    switch scale {
    case .linear, .whole: return (value - lower) / (upper - lower)
    case .logarithmic:
      return value > 0 ? (log(value) - log(lower)) / (log(upper) - log(lower)) : nil
    }
  }

  /// Logarithmic where positive values spread over more than a factor of 20.
  static func scale(fitting values: [Double]) -> Scale {
    let finite = values.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max(), least > 0 else { return .linear }
    return most / least > 20 ? .logarithmic : .linear
  }
}
