internal import Foundation

/// How far a training run is after a step, as numbers.
package struct Progress: Sendable, Equatable {
  /// Passes over the training data, with fractions.
  package var epoch: Double
  /// Steps done, those before a resume included.
  package var step: Int
  package var totalSteps: Int
  package var loss: Double
  package var learningRate: Double
  /// Before clipping.
  package var gradientNorm: Double
  /// Steps that were done before this process began.
  package var resumedStep: Int
  /// Samples that this process has seen.
  package var samples: Int
  /// Seconds since this process began its first step.
  package var seconds: Double
  /// Seconds of these in which it waited for data.
  package var waitingSeconds: Double
  package var peakMemoryBytes: Int

  package init(
    epoch: Double, step: Int, totalSteps: Int, loss: Double, learningRate: Double,
    gradientNorm: Double, resumedStep: Int = 0, samples: Int, seconds: Double,
    waitingSeconds: Double, peakMemoryBytes: Int
  ) {
    self.epoch = epoch
    self.step = step
    self.totalSteps = totalSteps
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.resumedStep = resumedStep
    self.samples = samples
    self.seconds = seconds
    self.waitingSeconds = waitingSeconds
    self.peakMemoryBytes = peakMemoryBytes
  }

  package var samplesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }
  /// Share of the time spent waiting for data, 0 to 1.
  package var waitingShare: Double { seconds > 0 ? waitingSeconds / seconds : 0 }
  /// At the pace of this process; nil before its first step.
  package var remainingSeconds: Double? {
    let done = step - resumedStep
    return done > 0 ? seconds / Double(done) * Double(totalSteps - step) : nil
  }
}

// MARK: - Text

extension Progress {
  /// All fields on one line, without color: within 80 columns for steps of up to five digits.
  package var line: String { fields.map(\.text).joined(separator: " ") }

  /// The fields that tell most, for a place beside others.
  package var brief: String { fields.filter { $0.rank < 3 }.map(\.text).joined(separator: " ") }

  /// One line that is never wider than `width`, with a bar where there is room for one.
  ///
  /// On a narrow terminal the least telling fields give way first.
  package func bar(width: Int, color: Bool) -> String {
    var shown = fields
    func length() -> Int { shown.reduce(-1) { $0 + $1.text.count + 1 } }
    while length() > width, let least = shown.indices.max(by: { shown[$0].rank < shown[$1].rank }) {
      shown.remove(at: least)
    }
    let text = shown.map(\.text).joined(separator: " ")
    let share = totalSteps > 0 ? min(1, Double(step) / Double(totalSteps)) : 0
    return ProgressBar.text(text, share: share, width: width, color: color)
  }

  /// The fields in their order; the rank says who stays longest, 0 first.
  private var fields: [(text: String, rank: Int)] {
    [
      ("ep \(significant(epoch, epoch < 10 ? 2 : 3))", 5),
      ("\(step)/\(totalSteps)", 0),
      ("loss \(significant(loss, 3))", 1),
      ("lr \(significant(learningRate, 2))", 6),
      ("grad \(significant(gradientNorm, 2))", 7),
      ("\(significant(samplesPerSecond, 3))/s", 3),
      ("wait \(fixed(waitingShare * 100, 0))%", 4),
      (memory(peakMemoryBytes), 8),
      ("eta \(remainingSeconds.map(clock) ?? "?")", 2),
    ]
  }
}

// MARK: - JSON

extension Progress: Encodable {
  private enum Key: String, CodingKey {
    case event, epoch, step
    case totalSteps = "total_steps"
    case loss
    case learningRate = "lr"
    case gradientNorm = "grad_norm"
    case samplesPerSecond = "samples_per_second"
    case waitingShare = "data_wait"
    case peakMemoryBytes = "peak_memory_bytes"
    case remainingSeconds = "remaining_seconds"
  }

  /// One event with the keys of `--log-format json`; a number that is not finite becomes null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    func put(_ value: Double?, _ key: Key) throws {
      if let value, value.isFinite {
        try container.encode(value, forKey: key)
      } else {
        try container.encodeNil(forKey: key)
      }
    }
    try container.encode("step", forKey: .event)
    try put(epoch, .epoch)
    try container.encode(step, forKey: .step)
    try container.encode(totalSteps, forKey: .totalSteps)
    try put(loss, .loss)
    try put(learningRate, .learningRate)
    try put(gradientNorm, .gradientNorm)
    try put(samplesPerSecond, .samplesPerSecond)
    try put(waitingShare, .waitingShare)
    try container.encode(peakMemoryBytes, forKey: .peakMemoryBytes)
    try put(remainingSeconds, .remainingSeconds)
  }
}
