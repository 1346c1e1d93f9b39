import Foundation
import Launch
import Synchronization
import Testing

@Suite("Progress of a download")
struct TransferProgressTests {
  private let progress = TransferProgress(
    name: "train/cube.h5", bytes: 30 << 20, totalBytes: 120 << 20, resumedBytes: 10 << 20,
    seconds: 10)

  @Test("counts pace and remaining time from where this process began")
  func line() {
    #expect(progress.line == "train/cube.h5 30M/120M 25% 2M/s eta 0:45")
    var open = progress
    open.totalBytes = nil
    #expect(open.line == "train/cube.h5 30M 2M/s")
    #expect(open.remainingSeconds == nil)
  }

  @Test("is never wider than the terminal", arguments: 1...120)
  func bar(width: Int) {
    #expect(progress.bar(width: width, color: false).count <= width)
  }

  @Test("has a bar where there is room for one, and else cuts the name")
  func widths() {
    #expect(
      progress.bar(width: 80, color: false)
        == "[" + "#########" + String(repeating: ".", count: 28) + "] " + progress.line)
    #expect(progress.bar(width: 30, color: false) == "…h5 30M/120M 25% 2M/s eta 0:45")
  }

  @Test("a line is written at the end of a file, and rarely before")
  func lines() {
    let text = Mutex("")
    let reporter = ProgressReporter(style: .lines, logEvery: 1, width: { 80 }) { line in
      text.withLock { $0 += line }
    }
    reporter.show(progress)
    reporter.show(progress)
    var done = progress
    done.bytes = 120 << 20
    reporter.show(done)
    #expect(text.withLock { $0 } == done.line + "\n")
  }

  @Test("JSON has the keys of its event")
  func json() throws {
    let data = try JSONEncoder().encode(progress)
    let object = try #require(
      try JSONSerialization.jsonObject(with: data) as? [String: any Sendable])
    #expect(object["event"] as? String == "transfer")
    #expect(object["total_bytes"] as? Int == 120 << 20)
  }
}
