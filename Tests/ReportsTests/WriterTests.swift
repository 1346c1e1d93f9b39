import Foundation
import Recipes
import Reports
import TestSupport
import Testing

@Suite struct WriterTests {
  private let report = Report(
    title: "A <small> report",
    sections: [
      Report.Section(
        title: "First & only",
        blocks: [
          .paragraph("Loss fell by 3 % in step_one."),
          .keyValues([KeyValue("path", "a<b")]),
          .table(
            Table(
              "Numbers", columns: [.text("name"), .number("value"), .code("key")],
              rows: [
                Table.Row(["a|b", "1", "x.y"], .strong), Table.Row(["base", "2", ""], .muted),
              ], note: "Lower is better.")),
          .list(["one", "- two"]),
          .warning("Mind the gap."),
          .details(summary: "More", blocks: [.code("attune train `x`")]),
          .figure(
            Figure(name: "loss", svg: "<svg></svg>", alternative: "Loss [falls]", caption: "Loss.")),
        ])
    ], records: [])

  @Test("Markdown as it should be")
  func markdown() {
    #expect(
      MarkdownWriter(report: report).text == """
        # A \\<small> report

        ## First \\& only

        Loss fell by 3 % in step_one.

        - **path:** a\\<b

        **Numbers**

        | name | value | key |
        | --- | ---: | --- |
        | **a\\|b** | **1** | **`x.y`** |
        | *base* | *2* |  |

        Lower is better.

        - one
        - \\- two

        > **Note:** Mind the gap.

        **More**

        ```
        attune train `x`
        ```

        ![Loss [falls]](figures/loss.svg)

        *Loss.*

        """)
  }

  @Test("HTML stands on its own, says its language and labels what it holds")
  func html() {
    let html = HTMLWriter(report: report).text
    for part in [
      "<html lang=\"en\">", "<title>A &lt;small&gt; report</title>", "<main>", "<nav aria-label=",
      "<h2 id=\"section-1\">First &amp; only</h2>", "<th scope=\"col\" class=\"number\">value</th>",
      "<th scope=\"row\" class=\"text\">a|b</th>", "<code>x.y</code>", "3\u{A0}% in",
      "<caption>Numbers</caption>", "<tr class=\"strong\">", "role=\"note\"",
    ] {
      #expect(html.contains(part), "\(part)")
    }
    for absent in ["<script", "http-equiv", "src=\"http", "<link", "a<b", "@import"] {
      #expect(!html.contains(absent), "\(absent)")
    }
  }

  @Test("JSON holds all there is, numbers that are not finite too")
  func roundTrip() throws {
    var whole = report
    var record = SyntheticRuns.run().record
    record.evaluations[0].metrics[0].value = .infinity
    whole.records = [record]
    let again = try Report(json: try whole.json())
    #expect(again == whole)
    #expect(HTMLWriter(report: again).text == HTMLWriter(report: whole).text)
  }

  @Test("each kind of block names itself in JSON")
  func blockKinds() throws {
    struct Kind: Decodable { let kind: String }
    let json = try JSONEncoder().encode(report.sections[0].blocks)
    let kinds = try JSONDecoder().decode([Kind].self, from: json).map(\.kind)
    #expect(
      kinds == ["paragraph", "key_values", "table", "list", "warning", "details", "figure"])
  }

  @Test("a folder holds the three files and the figures, and nothing half-written")
  func folder() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRuns.run()
    try writeReport(for: run, to: folder.file("report"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("report")).sorted()
    #expect(names == ["figures", "report.html", "report.json", "report.md"])
    let markdown = try String(contentsOfFile: folder.file("report/report.md"), encoding: .utf8)
    for figure in try FileManager.default.contentsOfDirectory(
      atPath: folder.file("report/figures"))
    {
      #expect(markdown.contains("](figures/\(figure))"), "\(figure)")
    }
    let json = try Data(contentsOf: URL(filePath: folder.file("report/report.json")))
    #expect(try Report(json: json) == Report(run))
  }

  @Test("drawings are well-formed and name themselves")
  func drawings() throws {
    let html = HTMLWriter(report: Report(SyntheticRuns.run())).text
    let drawings = html.components(separatedBy: "<svg ").dropFirst()
    #expect(drawings.count == 9)
    for drawing in drawings {
      #expect(drawing.contains("role=\"img\" aria-label=\""))
      #expect(!drawing.prefix { $0 != ">" }.contains("nan"))
      #expect(!drawing.contains("NaN") && !drawing.contains("inf,"))
    }
  }
}

@Suite struct RunDocumentTests {
  private func folder(steps: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let record = try JSONEncoder().encode(SyntheticRuns.run().record)
    _ = try folder.write(record, to: "record.json")
    _ = try folder.write(Data(steps.utf8), to: "steps.jsonl")
    _ = try folder.write(
      Data(#"{"step":2,"epoch":1,"seconds":3,"metrics":{"val/loss":0.5}}"#.utf8),
      to: "metrics.jsonl")
    return folder
  }

  @Test("is read from a run's folder, where line 0 of the steps is no step")
  func reading() throws {
    let folder = try folder(
      steps: """
        {"start":"ab12"}
        {"step":1,"batch":"00","loss":0.5,"grad_norm":1,"lr":0.001}
        {"step":2,"batch":"01","loss":0.25,"grad_norm":1,"lr":0.001}

        """)
    let run = try RunDocument(directory: folder.path)
    #expect(run.record == SyntheticRuns.run().record)
    #expect(run.steps.map(\.loss) == [0.5, 0.25])
    #expect(run.evaluations.map(\.step) == [2])
  }

  @Test("a broken line is named with its file and number")
  func broken() throws {
    let folder = try folder(steps: "{\"start\":\"ab\"}\n{\"step\":1}\n")
    let error = try #require(throws: ReportError.self) { try RunDocument(directory: folder.path) }
    #expect(error.description.contains("steps.jsonl:2: cannot be read"))
  }

  @Test("a folder without a record is not a run")
  func missing() throws {
    let folder = try TemporaryFolder()
    let error = try #require(throws: ReportError.self) { try RunDocument(directory: folder.path) }
    #expect(error == .fileMissing(path: folder.file("record.json")))
    #expect(error.description.contains("finished"))
  }
}
