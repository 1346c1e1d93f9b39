/// Which interferograms of a chip a recipe takes.
///
/// A chip has pairs of dates of its own. The rule or the event makes of them the same channels for
/// every chip; the order of pairs in the file has no influence.
struct M3LEOPairs: Sendable, Equatable {
  /// What is made of the pairs in a window.
  enum Rule: String, Sendable, CaseIterable {
    /// The shortest span; among equal ones the oldest.
    case close
    /// The longest span; among equal ones the newest.
    case far
    /// The mean over all, pixel by pixel over those that are not missing.
    case mean
  }

  /// Where a pair lies about an event.
  enum Phase: String, Sendable, CaseIterable {
    /// Ends before the event begins, as late as possible.
    case pre
    /// Begins before and ends after the event, in the shortest span.
    case co
    /// Begins after the event ends, as early as possible.
    case pos
  }

  /// Bounds of a pair, both included; dates are days since 1970.
  struct Window: Sendable, Equatable {
    var minimumDays = 0
    var maximumDays = 9999
    var firstStart: Day?
    var lastStart: Day?
    var firstEnd: Day?
    var lastEnd: Day?

    func contains(_ pair: Pair) -> Bool {
      pair.span >= minimumDays && pair.span <= maximumDays
        && pair.start >= firstStart ?? pair.start && pair.start <= lastStart ?? pair.start
        && pair.end >= firstEnd ?? pair.end && pair.end <= lastEnd ?? pair.end
    }
  }

  enum Choice: Sendable, Equatable {
    case window(Window, Rule)
    case event(from: Day, to: Day, [Phase])
  }

  /// A day of the calendar.
  struct Day: Sendable, Comparable, CustomStringConvertible {
    /// Since 1970-01-01.
    let number: Int
    /// `YYYYMMDD`.
    let description: String

    /// Reads `YYYYMMDD` or `YYYY-MM-DD`; nil for what is no day.
    init?(_ text: some StringProtocol) {
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      let isPlain = parts.count == 1 && text.count == 8
      guard isPlain || parts.map(\.count) == [4, 2, 2] else { return nil }
      let digits = parts.joined()
      guard digits.allSatisfy({ ("0"..."9").contains($0) }), let value = Int(digits) else {
        return nil
      }
      let (year, month, day) = (value / 10000, value / 100 % 100, value % 100)
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      guard (1...12).contains(month), (1...lengths[month - 1]).contains(day), year > 0 else {
        return nil
      }
      // Days of whole years since year 1, then of whole months.
      let years = year - 1
      let before = years * 365 + years / 4 - years / 100 + years / 400
      number = before + lengths.prefix(month - 1).reduce(0, +) + day - 719_163
      description = digits
    }

    static func < (left: Day, right: Day) -> Bool { left.number < right.number }
  }

  /// Two acquisitions.
  struct Pair: Sendable, Equatable {
    let start: Day
    let end: Day
    /// Days between.
    var span: Int { end.number - start.number }

    /// Reads `YYYYMMDD_YYYYMMDD`, the later date first; nil for anything else.
    init?(_ label: some StringProtocol) {
      let dates = label.split(separator: "_").map { Day($0) }
      guard dates.count == 2, let end = dates[0], let start = dates[1], start <= end else {
        return nil
      }
      (self.start, self.end) = (start, end)
    }
  }

  let choice: Choice

  /// What the channels of a variable are called, in their order: the same for every chip.
  var names: [String] {
    switch choice {
    case .window(let window, let rule): ["\(rule.rawValue) \(window)"]
    case .event(let first, let last, let phases):
      phases.map { "\($0.rawValue) \(first)-\(last)" }
    }
  }

  /// The pairs of each channel, by their numbers among those of a chip; several for a mean, none where
  /// the chip has no fitting pair.
  func numbers(among pairs: [Pair]) -> [[Int]] {
    switch choice {
    case .window(let window, let rule):
      let kept = pairs.indices.filter { window.contains(pairs[$0]) }
      // Longest first, then newest first.
      func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (a, b) = (pairs[left], pairs[right])
        return a.span != b.span ? a.span > b.span : a.end > b.end
      }
      switch rule {
      case .far: return [kept.min(by: isBefore).map { [$0] } ?? []]
      case .close: return [kept.max(by: isBefore).map { [$0] } ?? []]
      case .mean: return [kept]
      }
    case .event(let first, let last, let phases):
      return phases.map { phase in
        // What is least, then the shorter span.
        let distance: (Pair) -> Int? = { pair in
          switch phase {
          case .pre: pair.end < first ? first.number - pair.end.number : nil
          case .co: pair.start < first && pair.end > last ? pair.span : nil
          case .pos: pair.start > last ? pair.start.number - last.number : nil
          }
        }
        let best = pairs.indices.filter { distance(pairs[$0]) != nil }.min { left, right in
          let (a, b) = (pairs[left], pairs[right])
          let (near, far) = (distance(a) ?? 0, distance(b) ?? 0)
          return near != far ? near < far : (a.span, a.end) < (b.span, b.end)
        }
        return best.map { [$0] } ?? []
      }
    }
  }
}

extension M3LEOPairs.Window: CustomStringConvertible {
  /// `0-60`, and limits of dates where there are any.
  var description: String {
    var text = "\(minimumDays)-\(maximumDays)"
    for (name, first, last) in [("start", firstStart, lastStart), ("end", firstEnd, lastEnd)]
    where first != nil || last != nil {
      text += ", \(name) \(first?.description ?? "")..\(last?.description ?? "")"
    }
    return text
  }
}
