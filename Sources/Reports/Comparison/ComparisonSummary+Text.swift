extension ComparisonSummary {
  /// The arms as a table for a terminal.
  ///
  /// Columns that would make a line longer than `width` are left out, the least important first;
  /// the report has them all.
  package func table(width: Int = 80) -> String {
    let forms = (0...4).map { rows(leavingOut: $0) }
    let fitting = forms.first { Self.width(of: $0) <= width } ?? forms[forms.count - 1]
    let lines = Self.aligned(fitting) + footnotes
    return lines.map { String($0.prefix(width)) }.joined(separator: "\n") + "\n"
  }

  private var hasGroups: Bool { Set(arms.compactMap(\.pool)).count > 1 }

  private var footnotes: [String] {
    (hasGroups ? ["Groups were tested differently and are ranked apart."] : [])
      + (arms.contains { $0.rank == nil } ? ["* experimental, not ranked"] : [])
  }

  /// Title row and one row for each arm.
  private func rows(leavingOut level: Int) -> [[String]] {
    let withIntervals = level < 4
    let shown = metrics.map { name in
      (title: name, cells: arms.map { $0.text(of: name, withInterval: withIntervals) })
    }
    var columns: [(title: String, cells: [String])] = [
      (
        "arm",
        arms.map { arm in
          let name = arm.name.count > 24 ? arm.name.prefix(23) + "…" : arm.name[...]
          return arm.rank == nil ? "\(name) *" : String(name)
        }
      )
    ]
    if hasGroups {
      columns.append(("group", arms.map { $0.pool.map(String.init) ?? "" }))
    }
    columns += [
      ("trained", arms.map { Numbers.count($0.trainableParameters) })
    ]
    if level < 2 {
      columns.append(
        (
          "share",
          arms.map {
            Numbers.percent(Double($0.trainableParameters) / Double(max(1, $0.totalParameters)))
          }
        ))
    }
    if level < 3 { columns.append(("time", arms.map { Numbers.duration($0.trainSeconds) })) }
    if level < 1 { columns.append(("memory", arms.map { Numbers.bytes($0.peakMemoryBytes) })) }
    columns += shown
    return [columns.map(\.title)] + arms.indices.map { row in columns.map { $0.cells[row] } }
      + baselineRow(columns.map(\.title), withIntervals: withIntervals)
  }

  /// What the trivial baseline reaches, under the same titles.
  private func baselineRow(_ titles: [String], withIntervals: Bool) -> [[String]] {
    guard let baseline else { return [] }
    return [
      titles.map { title in
        switch title {
        case "arm": baseline.name
        case "trained": "0"
        default: baseline.text(of: title, withInterval: withIntervals)
        }
      }
    ]
  }

  private static func widths(of rows: [[String]]) -> [Int] {
    rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  }

  private static func width(of rows: [[String]]) -> Int {
    widths(of: rows).reduce(0, +) + 2 * (rows[0].count - 1)
  }

  /// Names to the left, numbers to the right.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = widths(of: rows)
    return rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }.joined(separator: "  ")
    }
  }
}
