/// One run of a sweep.
package struct SweepMember: Sendable {
  /// What is changed in the recipe, the last being that it is no sweep any more.
  package let changes: [Override]
  /// What tells it from the others: `lr=0.01 seed=1`.
  package let label: String
}

extension SweepSection {
  /// All runs: the product of the axes in file order, of `tied` and of `seeds`, which change fastest.
  ///
  /// Errors are located at the values in the recipe. A sweep of more runs than `max_runs` is refused,
  /// not cut: which runs were left out would be seen by nobody.
  package func members(_ diagnostics: Diagnostics) -> [SweepMember] {
    let dimensions = dimensions
    refuseRepeated(dimensions, diagnostics)
    var count = 1
    for dimension in dimensions { count = min(Self.mostRuns + 1, count * dimension.count) }
    guard count <= maximumRuns ?? Self.mostRuns else {
      diagnostics.error(
        .rule(
          "the sweep describes \(count > Self.mostRuns ? "over \(Self.mostRuns)" : "\(count)") runs"
            + (maximumRuns.map { ", more than the \($0) that max_runs allows" } ?? ""),
          mend: "shorten an axis" + (maximumRuns == nil ? "" : ", or raise sweep.max_runs")),
        at: limitLocation, path: "sweep.max_runs")
      return []
    }
    let names = shortNames(of: dimensions.joined().joined().map(\.path))
    let points = dimensions.reduce([[Setting]()]) { points, dimension in
      points.flatMap { point in dimension.map { point + $0 } }
    }
    return points.map { settings in
      SweepMember(
        changes: settings.map(\.change) + [Override("~sweep")],
        label: settings.map { "\(names[$0.path] ?? $0.path)=\($0.value.plain.shown)" }
          .joined(separator: " "))
    }
  }

  /// A sweep that is larger is a slip of the pen.
  private static let mostRuns = 100_000

  /// A field with one of its values.
  private struct Setting {
    let path: String
    let value: Located

    var change: Override { Override("\(path)=\(value.plain.json)", at: value.location) }
  }

  /// What varies independently: each has points of one field, or of several that move together.
  private var dimensions: [[[Setting]]] {
    let axes = axes.map { axis in
      axis.values.map { [Setting(path: axis.path, value: $0)] }
    }
    let tied = tied.map { $0.map { Setting(path: $0.key, value: $0.value) } }
    let seeds = seedValues.map { [Setting(path: "seed", value: $0)] }
    return (axes + [tied, seeds]).filter { !$0.isEmpty }
  }

  /// A field in two dimensions, and a point that stands twice in one.
  private func refuseRepeated(_ dimensions: [[[Setting]]], _ diagnostics: Diagnostics) {
    var owners: [[String]: Int] = [:]
    for (number, dimension) in dimensions.enumerated() {
      var seen: [[String]: Set<PlainValue>] = [:]
      for point in dimension {
        for setting in point {
          let keys = RecipeTable.canonicalized(DottedPath.keys(of: setting.path) ?? [])
          if keys.first == "sweep" {
            diagnostics.error(
              .rule("a sweep does not vary itself", mend: "leave it out"), at: setting.value)
          }
          if owners[keys, default: number] != number {
            diagnostics.error(
              .rule("\(setting.path) is varied in two places", mend: "keep one"), at: setting.value)
          }
          owners[keys] = number
        }
        let key = point.map(\.path)
        let value = PlainValue.list(point.map(\.value.plain))
        if let first = point.first, !seen[key, default: []].insert(value).inserted {
          diagnostics.error(
            .rule("the same value stands twice", mend: "keep one"), at: first.value)
        }
      }
    }
  }

  /// The shortest ends of dotted paths that tell them apart.
  private func shortNames(of paths: [String]) -> [String: String] {
    let keys = Dictionary(paths.map { ($0, DottedPath.keys(of: $0) ?? [$0]) }) { first, _ in first }
    return keys.mapValues { own in
      let length = (1...max(1, own.count)).first { length in
        keys.values.count { $0.suffix(length) == own.suffix(length) } == 1
      }
      return DottedPath.joining(Array(own.suffix(length ?? own.count)))
    }
  }
}

extension PlainValue {
  /// A short text for labels: a component's name, a list or map cut to 24 characters.
  fileprivate var shown: String {
    if case .text(let name)? = self["name"] { return name }
    let text = if case .text(let text) = self { text } else { json }
    return text.count <= 24 ? text : text.prefix(23) + "…"
  }
}
