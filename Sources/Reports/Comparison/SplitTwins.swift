internal import Recipes

/// Arms whose recipes differ in nothing but how the data was split, tested on different parts.
///
/// The gap between them measures what the split lets through, not the model.
struct SplitTwins {
  let arms: [Comparison.Arm]

  /// All groups of two or more; arms in the order of the comparison.
  static func all(of arms: [Comparison.Arm]) -> [SplitTwins] {
    var order: [[String: String]] = []
    var groups: [[String: String]: [Comparison.Arm]] = [:]
    for arm in arms {
      let rest = settings(arm).filter { !isOfSplit($0.key) }
      if groups[rest] == nil { order.append(rest) }
      groups[rest, default: []].append(arm)
    }
    return order.compactMap { key in
      let twins = groups[key] ?? []
      let tests = Set(twins.flatMap(\.runs).map(\.document.record.data.testDigest))
      let splits = Set(twins.map { settings($0).filter { isOfSplit($0.key) } })
      return twins.count > 1 && splits.count > 1 && tests.count > 1 ? SplitTwins(arms: twins) : nil
    }
  }

  /// Those whose test part the training part shows in part.
  var leaky: [Comparison.Arm] { arms.filter { Self.isLeaky($0) == true } }

  /// Whether a measured share is above 0; nil where the record holds none.
  static func isLeaky(_ arm: Comparison.Arm) -> Bool? { leak(arm).map { $0 > 0 } }

  /// Largest share of the test part that the training part shows too; nil where none was measured.
  static func leak(_ arm: Comparison.Arm) -> Double? {
    arm.runs.compactMap(\.document.record.data.leak).max()
  }

  /// What the split of an arm lets through, each sentence once.
  static func overlaps(_ arm: Comparison.Arm) -> [String] {
    var seen: Set<String> = []
    return arm.runs.flatMap(\.document.record.data.overlaps).filter { seen.insert($0).inserted }
  }

  private static func settings(_ arm: Comparison.Arm) -> [String: String] {
    arm.runs[0].document.settings.filter { key, _ in
      let section = key.split(separator: ".").first ?? ""
      return !["name", "seed", "output", "tracking", "sweep"].contains(section)
    }
  }

  private static func isOfSplit(_ key: String) -> Bool {
    key == "data.split" || key.hasPrefix("data.split.")
  }
}
