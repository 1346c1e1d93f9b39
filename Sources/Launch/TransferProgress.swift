internal import Foundation

/// How far the download of a file is.
package struct TransferProgress: Sendable, Equatable {
  package var name: String
  /// Bytes of the file that are here, those of an earlier try included.
  package var bytes: Int
  /// Nil where the sender does not say.
  package var totalBytes: Int?
  /// Bytes that were here before this process began.
  package var resumedBytes: Int
  /// Seconds since this process began with the file.
  package var seconds: Double

  package init(
    name: String, bytes: Int, totalBytes: Int?, resumedBytes: Int = 0, seconds: Double
  ) {
    self.name = name
    self.bytes = bytes
    self.totalBytes = totalBytes
    self.resumedBytes = resumedBytes
    self.seconds = seconds
  }

  package var isComplete: Bool { bytes == totalBytes }

  package var bytesPerSecond: Double {
    seconds > 0 ? Double(max(0, bytes - resumedBytes)) / seconds : 0
  }

  /// At the pace of this process; nil where it cannot be told.
  package var remainingSeconds: Double? {
    guard let totalBytes, bytesPerSecond > 0 else { return nil }
    return Double(totalBytes - bytes) / bytesPerSecond
  }

  /// All fields on one line, without color.
  package var line: String { "\(name) \(figures)" }

  /// One line that is never wider than `width`: the name gives way first, and there is a bar where
  /// there is room for one.
  package func bar(width: Int, color: Bool) -> String {
    let figures = figures
    guard figures.count < width else { return String(figures.prefix(width)) }
    let room = width - figures.count - 1
    guard room > 1 else { return figures }
    let text = (name.count <= room ? name : "…" + name.suffix(room - 1)) + " " + figures
    return ProgressBar.text(
      text, share: totalBytes.map { Double(bytes) / Double(max(1, $0)) }, width: width,
      color: color)
  }

  private var figures: String {
    let share = totalBytes.map { " \(fixed(100 * Double(bytes) / Double(max(1, $0)), 0))%" } ?? ""
    let whole = totalBytes.map { "/\(memory($0))" } ?? ""
    let rest = totalBytes == nil ? "" : " eta \(remainingSeconds.map(clock) ?? "?")"
    return "\(memory(bytes))\(whole)\(share) \(memory(Int(bytesPerSecond)))/s\(rest)"
  }
}

extension TransferProgress: Encodable {
  private enum Key: String, CodingKey {
    case event, name, bytes
    case totalBytes = "total_bytes"
    case bytesPerSecond = "bytes_per_second"
    case remainingSeconds = "remaining_seconds"
  }

  /// One event with the keys of `--log-format json`; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode("transfer", forKey: .event)
    try container.encode(name, forKey: .name)
    try container.encode(bytes, forKey: .bytes)
    try container.encode(totalBytes, forKey: .totalBytes)
    try container.encode(bytesPerSecond, forKey: .bytesPerSecond)
    try container.encode(remainingSeconds, forKey: .remainingSeconds)
  }
}
