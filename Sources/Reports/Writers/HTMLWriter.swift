/// Sets a report as one HTML file that needs nothing else: no scripts, fonts or pictures are
/// fetched.
package struct HTMLWriter {
  package let report: Report

  package init(report: Report) { self.report = report }

  /// The whole file.
  package var text: String {
    let sections = report.sections.enumerated()
    let contents = sections.map { index, section in
      "<li><a href=\"#section-\(index + 1)\">\(Escape.html(section.title))</a></li>"
    }.joined()
    let body = sections.map { index, section in
      """
      <section aria-labelledby="section-\(index + 1)">
      <h2 id="section-\(index + 1)">\(Escape.html(section.title))</h2>
      \(set(section.blocks))
      </section>
      """
    }.joined(separator: "\n")
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(Escape.html(report.title))</title>
      <style>
      \(Stylesheet.page)
      </style>
      </head>
      <body>
      <header><h1>\(Escape.html(report.title))</h1></header>
      <nav aria-label="Contents"><ol>\(contents)</ol></nav>
      <main>
      \(body)
      </main>
      </body>
      </html>

      """
  }

  /// Blocks in order; figures that follow each other share a grid.
  private func set(_ blocks: [Block]) -> String {
    var parts: [String] = []
    var figures: [String] = []
    func closeGrid() {
      if !figures.isEmpty {
        parts.append("<div class=\"figures\">\n\(figures.joined(separator: "\n"))\n</div>")
      }
      figures = []
    }
    for block in blocks {
      if case .figure(let figure) = block {
        figures.append(set(figure))
      } else {
        closeGrid()
        parts.append(set(block))
      }
    }
    closeGrid()
    return parts.joined(separator: "\n")
  }

  private func set(_ block: Block) -> String {
    switch block {
    case .heading(let text): "<h3>\(Escape.html(text))</h3>"
    case .paragraph(let text): "<p>\(Escape.html(text))</p>"
    case .list(let items):
      "<ul>\(items.map { "<li>\(Escape.html($0))</li>" }.joined())</ul>"
    case .table(let table): set(table)
    case .keyValues(let entries):
      "<dl>"
        + entries.map {
          "<div><dt>\(Escape.html($0.key))</dt><dd>\(Escape.html($0.value))</dd></div>"
        }.joined() + "</dl>"
    case .figure(let figure): set(figure)
    case .code(let text): "<pre tabindex=\"0\"><code>\(Escape.html(text))</code></pre>"
    case .warning(let text): "<p class=\"warning\" role=\"note\">\(Escape.html(text))</p>"
    case .details(let summary, let blocks):
      "<details><summary>\(Escape.html(summary))</summary>\n\(set(blocks))\n</details>"
    }
  }

  private func set(_ figure: Figure) -> String {
    """
    <figure><div class="drawing">\(figure.svg)</div>\
    <figcaption>\(Escape.html(figure.caption))</figcaption></figure>
    """
  }

  private func set(_ table: Table) -> String {
    let head = table.columns.map {
      "<th scope=\"col\" class=\"\($0.alignment.rawValue)\">\(Escape.html($0.title))</th>"
    }.joined()
    let rows = table.rows.map { row in
      let cells = zip(row.cells, table.columns).enumerated().map { index, pair in
        let (cell, column) = pair
        let content =
          column.alignment == .code && !cell.isEmpty
          ? "<code>\(Escape.html(cell))</code>" : Escape.html(cell)
        return index == 0
          ? "<th scope=\"row\" class=\"\(column.alignment.rawValue)\">\(content)</th>"
          : "<td class=\"\(column.alignment.rawValue)\">\(content)</td>"
      }.joined()
      return "<tr class=\"\(row.emphasis.rawValue)\">\(cells)</tr>"
    }.joined(separator: "\n")
    let caption = table.caption.isEmpty ? "" : "<caption>\(Escape.html(table.caption))</caption>"
    let label = Escape.html(table.caption.isEmpty ? "Table" : table.caption)
    let note = table.note.map { "<p class=\"table-note\">\(Escape.html($0))</p>" } ?? ""
    return """
      <div class="table" role="region" aria-label="\(label)" tabindex="0"><table>\(caption)
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows)
      </tbody></table></div>\(note)
      """
  }
}
