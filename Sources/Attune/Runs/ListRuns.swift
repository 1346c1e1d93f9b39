import Foundation
import Recipes

/// The runs below a folder that fulfil all conditions.
///
/// - Parameters:
///   - folder: Output folder, the folder of one name in it, or a run.
///   - conditions: As `RunCondition` reads them.
///   - key: Column or metric to sort by; with a minus before it, largest first. Runs without the value
///     come last. nil sorts by folder.
/// - Returns: The runs.
/// - Throws: `CommandLineError` for what cannot be read, `RunsMissing` where there is no such folder.
package func runs(
  below folder: String, where conditions: [String] = [], sortedBy key: String? = nil
) throws -> [RunEntry] {
  let wanted = try conditions.map { try RunCondition($0) }
  let isReversed = key?.hasPrefix("-") ?? false
  let column = try key.map { try RunColumn(String($0.drop { $0 == "-" })) }
  let path = FilePath.absolute(folder, relativeTo: FilePath.current)
  let found = try RunIndex(folder: path).entries().filter { run in
    wanted.allSatisfy { $0.holds(for: run) }
  }
  guard let column else { return found }
  let valued = found.compactMap { run in column.value(run).map { (run, $0) } }
  let sorted = valued.sorted { first, second in
    let (low, high) = isReversed ? (second, first) : (first, second)
    return switch (low.1, high.1) {
    case (.number(let one), .number(let other)): one < other
    default: low.1.text < high.1.text
    }
  }
  return sorted.map(\.0) + found.filter { column.value($0) == nil }
}

/// Runs as a table whose columns are as wide as their content; the folder, which is last, is shown
/// relative to the current one.
package func runTable(_ runs: [RunEntry]) -> String {
  guard !runs.isEmpty else { return "no runs" }
  let head = ["state", "task", "method", "model", "metric", "value", "seed", "trained", "s"]
  let rows = runs.map { run in
    [
      run.state.rawValue, run.task ?? "", run.method ?? "", run.model ?? "", run.headline ?? "",
      run.value.map { String(format: "%.4g", $0) } ?? "", run.seed.map(String.init) ?? "",
      run.trainableParameters.map(shortCount) ?? "",
      run.seconds.map { String(format: $0 < 10 ? "%.1f" : "%.0f", $0) } ?? "",
    ]
  }
  let widths = head.indices.map { column in
    min(24, ([head] + rows).map { $0[column].count }.max() ?? 0)
  }
  func line(_ cells: [String], _ folder: String) -> String {
    zip(cells, widths).map { cell, width in
      let shown = cell.count <= width ? cell : cell.prefix(width - 1) + "…"
      return shown + String(repeating: " ", count: width - shown.count)
    }.joined(separator: "  ") + "  " + folder
  }
  let here = FilePath.current + "/"
  let lines = zip(runs, rows).map { run, row in
    line(row, run.folder.hasPrefix(here) ? String(run.folder.dropFirst(here.count)) : run.folder)
  }
  return ([line(head, "folder")] + lines).joined(separator: "\n")
}

/// `12k`, `3.4M`.
private func shortCount(_ count: Int) -> String {
  switch count {
  case ..<10_000: "\(count)"
  case ..<1_000_000: "\(count / 1000)k"
  case ..<1_000_000_000: String(format: "%.1fM", Double(count) / 1e6)
  default: String(format: "%.1fG", Double(count) / 1e9)
  }
}
