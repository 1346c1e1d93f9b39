import Foundation
package import Recipes

/// The result of `train` for other programs.
package struct TrainSummary: Codable, Sendable {
  package var directory: String
  package var exitCode: Int32
  package var digest: String?
  package var steps: Int?
  package var trainableParameters: Int?
  package var seconds: Double?
  package var peakMemoryBytes: Int?
  /// `test/VRMSE` to its value.
  package var metrics: [String: Double]

  private enum CodingKeys: String, CodingKey {
    case directory, digest, steps, seconds, metrics
    case exitCode = "exit_code"
    case trainableParameters = "trainable_parameters"
    case peakMemoryBytes = "peak_memory_bytes"
  }

  package init(_ result: TrainResult) {
    directory = result.directory.path
    exitCode = result.exitCode.rawValue
    digest = result.record?.digest
    steps = result.record?.steps
    trainableParameters = result.record?.model.trainableParameters
    seconds = result.record?.wallSeconds
    peakMemoryBytes = result.record?.peakMemoryBytes
    metrics = [:]
    for evaluation in result.record?.evaluations ?? [] {
      for metric in evaluation.overallMetrics {
        metrics["\(evaluation.split)/\(metric.name)"] = metric.value
      }
    }
  }
}

/// The metrics of a run beside its baseline, at most 80 columns.
package func resultTable(_ record: RunRecord) -> String { resultTable(record.evaluations) }

/// The metrics of evaluations beside their baseline, at most 80 columns.
func resultTable(_ evaluations: [RunRecord.Evaluation]) -> String {
  var lines: [String] = []
  for evaluation in evaluations {
    lines.append(
      padded("\(evaluation.split) (\(evaluation.checkpoint), step \(evaluation.step))", 26)
        + padded("value", 10) + padded("95 % interval", 22) + evaluation.baselineName)
    for metric in evaluation.overallMetrics {
      let interval: String
      if let low = metric.ciLower, let high = metric.ciUpper {
        interval = "[\(figure(low)), \(figure(high))]"
      } else {
        interval = ""
      }
      let baseline = evaluation.baseline.first { $0.name == metric.name }
      lines.append(
        padded(metric.name, 26) + padded(figure(metric.value), 10) + padded(interval, 22)
          + (baseline.map { figure($0.value) } ?? ""))
    }
    lines += classLines(evaluation)
  }
  return lines.joined(separator: "\n")
}

/// Figures that fit beside a class in 80 columns.
private let shownFigures = 4

/// One line for each class with its figures; nothing where there are none.
private func classLines(_ evaluation: RunRecord.Evaluation) -> [String] {
  let names = evaluation.classNames ?? []
  let bases = evaluation.perClassNames.prefix(shownFigures)
  guard !bases.isEmpty else { return [] }
  let head = padded("class", 26) + bases.map { padded($0, 12) }.joined()
  return [head]
    + names.map { name in
      padded(String(name.prefix(25)), 26)
        + bases.map { base in
          padded(evaluation.metric(base, ofClass: name).map { figure($0.value) } ?? "", 12)
        }.joined()
    }
}

private func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(1, width - text.count))
}

private func figure(_ value: Double) -> String { String(format: "%.4g", value) }
