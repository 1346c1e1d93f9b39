/// Sets a report as GitHub-flavored Markdown, with its figures as files beside it.
package struct MarkdownWriter {
  package let report: Report

  package init(report: Report) { self.report = report }

  /// The whole file.
  package var text: String {
    var parts = ["# \(Escape.markdown(report.title))"]
    for section in report.sections {
      parts.append("## \(Escape.markdown(section.title))")
      parts += section.blocks.map(set)
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private func set(_ block: Block) -> String {
    switch block {
    case .heading(let text): "### \(Escape.markdown(text))"
    case .paragraph(let text): Escape.markdownLine(text)
    case .list(let items): items.map { "- \(Escape.markdownLine($0))" }.joined(separator: "\n")
    case .table(let table): set(table)
    case .keyValues(let entries):
      entries.map { "- **\(Escape.markdown($0.key)):** \(Escape.markdown($0.value))" }
        .joined(separator: "\n")
    case .figure(let figure):
      """
      ![\(Escape.markdown(figure.alternative))](figures/\(figure.name).svg)

      *\(Escape.markdown(figure.caption))*
      """
    case .code(let text): fenced(text)
    case .warning(let text): "> **Note:** \(Escape.markdown(text))"
    case .details(let summary, let blocks):
      (["**\(Escape.markdown(summary))**"] + blocks.map(set)).joined(separator: "\n\n")
    }
  }

  private func set(_ table: Table) -> String {
    func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    var lines: [String] = []
    if !table.caption.isEmpty { lines += ["**\(Escape.markdown(table.caption))**", ""] }
    lines.append(row(table.columns.map { Escape.markdown($0.title) }))
    lines.append(row(table.columns.map { $0.alignment == .number ? "---:" : "---" }))
    for entry in table.rows {
      lines.append(
        row(
          zip(entry.cells, table.columns).map { cell, column in
            set(cell, column.alignment, entry.emphasis)
          }))
    }
    if let note = table.note { lines += ["", Escape.markdownLine(note)] }
    return lines.joined(separator: "\n")
  }

  private func set(
    _ cell: String, _ alignment: Table.Alignment, _ emphasis: Table.Emphasis
  ) -> String {
    guard !cell.isEmpty else { return "" }
    let text = alignment == .code ? Escape.markdownCode(cell) : Escape.markdown(cell)
    return switch emphasis {
    case .none: text
    case .strong: "**\(text)**"
    case .muted: "*\(text)*"
    }
  }

  private func fenced(_ text: String) -> String {
    let fence = String(repeating: "`", count: max(3, Escape.longestRun(of: "`", in: text) + 1))
    let content = text.hasSuffix("\n") ? text : text + "\n"
    return "\(fence)\n\(content)\(fence)"
  }
}
