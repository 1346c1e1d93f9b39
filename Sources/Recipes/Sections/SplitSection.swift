/// `data.split`: which samples train, validate and test.
package struct SplitSection: Sendable {
  /// The method's name; its options are read by the method's table.
  package let method: Component
  /// The split's own, so that a sweep over seeds keeps the split.
  package let seed: Int
  /// Part (`train`, `val`, `test`) to what is kept of it.
  package let limits: [String: Allowance]
  /// Largest measured overlap between parts, as a share.
  package let maximumLeak: Double

  static let type = OptionType.component(
    of: "split method", key: "method",
    beside: [
      Option("seed", .integer, default: 42, range: .atLeast(0), "the split's own"),
      Option(
        "limit",
        .table(
          OptionTable(
            ["train", "val", "test"].map {
              Option(
                $0, Allowance.type, default: .absent, range: .atLeast(0), "share or number kept")
            })), default: [:], "keeps a share or a number per part"),
      Option(
        "max_leak", .number, default: 1, range: .within(0...1),
        "largest measured overlap between parts"),
    ])

  init(_ method: Component, _ diagnostics: Diagnostics) {
    let reader = method.beside
    self.method = method
    seed = reader.int("seed")
    maximumLeak = reader.number("max_leak")
    var limits: [String: Allowance] = [:]
    if let table = reader.optionalTable("limit") {
      for part in table.table.names {
        limits[part] = table.value(part).flatMap { Allowance($0, diagnostics) }
      }
    }
    self.limits = limits
  }
}

/// A whole number of samples, or a share of them: `100` or `0.1`.
package enum Allowance: Sendable, Hashable {
  case count(Int)
  case share(Double)

  static let type = OptionType.either([.integer, .number])

  init?(_ value: Located, _ diagnostics: Diagnostics) {
    switch value.value {
    case .integer(let count): self = .count(count)
    case .number(let share) where share <= 1: self = .share(share)
    case .number(let share):
      diagnostics.error(
        .rule(
          "\(share) is neither a whole number nor a share",
          mend: "write a whole number, or a share up to 1.0"), at: value)
      return nil
    default: return nil
    }
  }
}
