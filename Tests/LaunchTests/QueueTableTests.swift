import Foundation
import Launch
import TestSupport
import Testing

@Suite("The table of a batch")
struct QueueTableTests {
  private let folder: TemporaryDirectory
  private let queue: JobQueue
  private let ids: [Int64]

  init() throws {
    folder = try TemporaryDirectory()
    queue = try JobQueue(folder: folder.path)
    ids = try queue.add(
      (0..<4).map {
        NewJob(
          identity: "\($0)", name: "advection", label: "train.optimizer.lr=0.01 seed=\($0)",
          payload: "")
      }, retries: 0)
    _ = try queue.claim()
    _ = try queue.claim()
    _ = try queue.beat(ids[0], progress: "34/120 loss 0.123 eta 0:12")
    _ = try queue.claim()
    try queue.settle(ids[2], .finished(result: "out/run", message: "test/VRMSE 0.01"))
  }

  private func view() throws -> QueueSupervisor.View {
    QueueSupervisor.View(
      counts: try queue.counts(), running: try queue.running(),
      settled: try queue.jobs([ids[2]]), workers: 2)
  }

  @Test("shows counts and running jobs within the width", arguments: [40, 60, 80])
  func lines(width: Int) throws {
    let lines = QueueTable.lines(try view(), seconds: 125, width: width, height: 10)
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines[1].hasSuffix("  34/120 loss 0.123 eta 0:12"))
    #expect(lines[2].hasSuffix("  starting"))
    if width == 80 {
      #expect(lines[0] == "4 jobs: 1 finished, 2 running, 1 waiting, 2:05")
      #expect(lines[1].hasPrefix("  #1 advection train.optimizer.lr=0.01 seed=0  "))
    }
  }

  @Test("is no higher than there is room")
  func height() throws {
    #expect(QueueTable.lines(try view(), seconds: 1, width: 80, height: 2).count == 2)
  }

  @Test("is drawn anew in its place on a terminal; elsewhere what ended is told once")
  func reporter() throws {
    var written = ""
    func reporter(_ style: ProgressReporter.Style) -> QueueReporter {
      written = ""
      return QueueReporter(style: style, size: { (81, 24) }, write: { written += $0 })
    }
    let ended = "#3 advection train.optimizer.lr=0.01 seed=2 finished: test/VRMSE 0.01  out/run\n"
    let bar = reporter(.bar(color: false))
    bar.show(try view())
    #expect(written.hasPrefix(ended))
    #expect(!written.contains("\u{1B}"))
    bar.show(try view())
    #expect(written.contains("\r\u{1B}[3A\u{1B}[J"))
    let before = written
    bar.show(
      QueueSupervisor.View(
        counts: try queue.counts(), running: try queue.running(), settled: [], workers: 2))
    #expect(written == before)
    let lines = reporter(.lines)
    lines.show(try view())
    lines.message("a note")
    lines.finish()
    #expect(written == ended + "a note\n")
    let json = reporter(.json)
    json.show(try view())
    let event = try JSONSerialization.jsonObject(with: Data(written.utf8)) as? [String: Any]
    #expect(event?["event"] as? String == "job")
    #expect(event?["state"] as? String == "finished")
    #expect(event?["directory"] as? String == "out/run")
  }
}
