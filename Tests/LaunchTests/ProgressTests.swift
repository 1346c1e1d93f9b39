import Foundation
import Launch
import Synchronization
import Testing

@Suite("Progress")
struct ProgressTests {
  private let progress = Progress(
    epoch: 2.5, step: 1200, totalSteps: 4000, loss: 0.012345, learningRate: 1e-3,
    gradientNorm: 0.5214, samples: 9744, seconds: 12, waitingSeconds: 0.36,
    peakMemoryBytes: 1_288_490_189)

  @Test("is one line with all fields")
  func line() {
    #expect(
      progress.line
        == "ep 2.5 1200/4000 loss 0.0123 lr 0.001 grad 0.52 812/s wait 3% 1.2G eta 0:28")
  }

  @Test("fits 80 columns with large numbers")
  func widest() {
    var large = progress
    large.epoch = 149.9
    large.step = 98765
    large.totalSteps = 99999
    large.resumedStep = 98764
    large.loss = 1.2345e-5
    large.learningRate = 3.2e-5
    large.waitingSeconds = 11
    large.peakMemoryBytes = 120 << 30
    #expect(large.line.count <= 80, "\(large.line.count): \(large.line)")
    #expect(large.line.contains("loss 1.23e-5 lr 3.2e-5"))
  }

  @Test("counts pace and remaining time from where this process began")
  func resumed() {
    var resumed = progress
    resumed.resumedStep = 1100
    #expect(resumed.remainingSeconds == 12.0 / 100 * 2800)
    #expect(resumed.line.hasSuffix("eta 5:36"))
    resumed.resumedStep = 1200
    #expect(resumed.remainingSeconds == nil)
    #expect(resumed.line.hasSuffix("eta ?"))
  }

  @Test("is never wider than the terminal, whose width decides what stays", arguments: 1...200)
  func bar(width: Int) {
    #expect(progress.bar(width: width, color: false).count <= width)
  }

  @Test("drops fields on a narrow terminal and shows a bar on a wide one")
  func widths() {
    #expect(progress.bar(width: 80, color: false) == progress.line)
    #expect(progress.bar(width: 40, color: false) == "1200/4000 loss 0.0123 812/s eta 0:28")
    #expect(
      progress.bar(width: 100, color: false) == "[" + "######................" + "] "
        + progress.line)
  }

  @Test("colors the bar only when asked")
  func color() {
    #expect(!progress.bar(width: 120, color: false).contains("\u{1B}"))
    #expect(progress.bar(width: 120, color: true).contains("\u{1B}[32m#"))
  }

  @Test("says that a loss is not finite")
  func notFinite() throws {
    var lost = progress
    lost.loss = .nan
    #expect(lost.line.contains("loss nan "))
    let json = String(decoding: try JSONEncoder().encode(lost), as: UTF8.self)
    #expect(json.contains("\"loss\":null"))
  }
}

@Suite("The progress reporter")
struct ProgressReporterTests {
  @Test("writes complete lines every log_every steps and at the end where there is no terminal")
  func lines() {
    let output = written(style: .lines, logEvery: 3)
    let steps = output.split(separator: "\n").map { $0.split(separator: " ")[2] }
    #expect(steps == ["3/7", "above", "6/7", "7/7"])
    #expect(!output.contains("\r") && !output.contains("\u{1B}"))
  }

  @Test("writes one JSON object per line with the documented keys")
  func json() throws {
    let objects = try written(style: .json, logEvery: 3).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects.map { $0["event"] as? String } == ["step", "message", "step", "step"])
    #expect(
      Set(objects[0].keys) == [
        "event", "epoch", "step", "total_steps", "loss", "lr", "grad_norm", "samples_per_second",
        "data_wait", "peak_memory_bytes", "remaining_seconds",
      ])
    #expect(objects[1]["text"] as? String == "a line above")
  }

  @Test("redraws a bar in place, keeps messages above it and ends its line")
  func bar() {
    let output = written(style: .bar(color: false), logEvery: 3)
    #expect(output.hasPrefix("\r\u{1B}[2K"))
    #expect(output.contains("\r\u{1B}[2Ka line above\n"))
    #expect(output.hasSuffix("eta 0:00\n"))
    #expect(output.count { $0 == "\n" } == 2)
  }

  @Test("redraws at most ten times a second")
  func pace() {
    let output = written(style: .bar(color: false), logEvery: 1, steps: 5000)
    #expect(output.split(separator: "\r").count < 100)
    #expect(output.contains("5000/5000"))
  }

  @Test("is silent when told so")
  func silent() { #expect(written(style: .silent, logEvery: 1).isEmpty) }

  @Test(
    "takes the style that standard error can show",
    arguments: [
      (true, [:], ProgressReporter.Style.bar(color: true)),
      (true, ["NO_COLOR": "1"], .bar(color: false)),
      (true, ["NO_COLOR": ""], .bar(color: true)),
      (true, ["TERM": "dumb"], .lines),
      (false, [:], .lines),
    ])
  func style(isTerminal: Bool, environment: [String: String], expected: ProgressReporter.Style) {
    #expect(
      ProgressReporter.Style.suiting(isTerminal: isTerminal, environment: environment) == expected)
  }

  /// What a reporter writes for some steps with a message after the fourth.
  private func written(style: ProgressReporter.Style, logEvery: Int, steps: Int = 7) -> String {
    let output = Output()
    let reporter = ProgressReporter(
      style: style, logEvery: logEvery, width: { 100 }, write: { output.append($0) })
    for step in 1...steps {
      reporter.show(
        Progress(
          epoch: 0, step: step, totalSteps: steps, loss: 1, learningRate: 1, gradientNorm: 1,
          samples: step, seconds: Double(step), waitingSeconds: 0, peakMemoryBytes: 0))
      if step == 4 { reporter.message("a line above") }
    }
    reporter.finish()
    return output.text
  }

  private final class Output: Sendable {
    private let content = Mutex("")
    var text: String { content.withLock { $0 } }
    func append(_ text: String) { content.withLock { $0 += text } }
  }
}
