import Foundation

/// Seconds that a run takes on this machine with its threads.
package struct TimeEstimate: Codable, Sendable, Equatable {
  /// Opening data and weights.
  package var opening: Double
  /// One optimizer step, measured.
  package var step: Double
  /// All steps.
  package var training: Double
  /// All evaluations of the validation part, and the final one.
  package var evaluation: Double
  /// Checkpoints, and what adapters did to weights, for the report.
  package var writing: Double

  package var total: Double { opening + training + evaluation + writing }

  private enum CodingKeys: String, CodingKey {
    case opening, step, training, evaluation, writing, total
  }

  package init(
    opening: Double, step: Double, training: Double, evaluation: Double, writing: Double
  ) {
    self.opening = opening
    self.step = step
    self.training = training
    self.evaluation = evaluation
    self.writing = writing
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      opening: try values.decode(Double.self, forKey: .opening),
      step: try values.decode(Double.self, forKey: .step),
      training: try values.decode(Double.self, forKey: .training),
      evaluation: try values.decode(Double.self, forKey: .evaluation),
      writing: try values.decode(Double.self, forKey: .writing))
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(opening, forKey: .opening)
    try values.encode(step, forKey: .step)
    try values.encode(training, forKey: .training)
    try values.encode(evaluation, forKey: .evaluation)
    try values.encode(writing, forKey: .writing)
    try values.encode(total, forKey: .total)
  }

  /// `12 min (training 10 min, evaluation 2 min, writing 3.1 s)`.
  package var text: String {
    "\(Self.duration(total)) (training \(Self.duration(training)), evaluation "
      + "\(Self.duration(evaluation)), writing \(Self.duration(writing)))"
  }

  private static func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<120: String(format: "%.1f s", seconds)
    case ..<7200: String(format: "%.0f min", seconds / 60)
    default: String(format: "%.1f h", seconds / 3600)
    }
  }
}
