import Foundation

/// Lines of `steps.jsonl` and `metrics.jsonl`: one JSON object per line, numbers in the shortest form
/// that reads back as the same number.
package enum JSONLines {
  /// One line with its line break; numbers that are not finite become texts (`"nan"`, `"inf"`).
  package static func line(_ event: StepEvent) -> String {
    object([
      ("step", String(event.step)), ("batch", JSONText.quoted(event.batch)),
      ("loss", number(event.loss)), ("grad_norm", number(event.gradientNorm)),
      ("lr", number(event.learningRate)),
    ])
  }

  /// One line with its line break; metrics sorted by name.
  package static func line(_ event: MetricsEvent) -> String {
    let metrics = event.metrics.sorted { $0.key < $1.key }
      .map { "\(JSONText.quoted($0.key)):\(number($0.value))" }.joined(separator: ",")
    return object([
      ("step", String(event.step)), ("epoch", number(event.epoch)),
      ("seconds", number(event.seconds)), ("metrics", "{\(metrics)}"),
    ])
  }

  /// Line 0 of `steps.jsonl`: the digest of the starting values.
  package static func line(initialDigest: String) -> String {
    object([("initial", JSONText.quoted(initialDigest))])
  }

  /// Reads one line.
  ///
  /// - Parameters:
  ///   - type: `StepEvent` or `MetricsEvent`.
  ///   - line: With or without its line break.
  ///   - file: The file's name in errors.
  ///   - number: The line's number, from 1.
  /// - Returns: The event.
  /// - Throws: `RecipeError` naming file and line.
  package static func event<Event: Decodable>(
    _ type: Event.Type, in line: some StringProtocol, file: String, number: Int
  ) throws(RecipeError) -> Event {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(type, from: Data(line.utf8))
    } catch {
      throw .malformedLine(
        file: file, line: number, reason: "expected a JSON object with the fields of \(type)")
    }
  }

  private static func object(_ fields: [(String, String)]) -> String {
    "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n"
  }

  private static func number(_ value: Double) -> String {
    PlainValue.number(value).json
  }
}
