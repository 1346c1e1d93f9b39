import Datasets
import Foundation
import Formats
import Recipes
import Tasks
import Tensors

/// One row for each input: what tasks with an answer for a whole sample write.
struct TablePrediction {
  let predictor: SamplePrediction

  private var target: TargetDescription { predictor.task.target }

  /// Predicts all inputs and writes the table.
  func write(_ inputs: [SamplePrediction.Input], to path: String) throws -> [Prediction] {
    let rows = try concurrentResults(inputs.count, threads: predictor.threads) { number in
      let scene = inputs[number].scene
      let whole = RasterFile.Window(column: 0, row: 0, width: scene.width, height: scene.height)
      let output = predictor.output(try predictor.batch(scene, whole))
      return (
        values: predictor.task.prediction(output).row(0).elements(as: Float.self),
        outliers: predictor.request.marksOutliers
          ? try scene.outlierShares(in: whole).mean : nil
      )
    }
    let saysAccepted = inputs.contains { !$0.accepted.isEmpty }
    var table = [
      ["input"] + answerColumns + (predictor.request.marksOutliers ? ["ood_share"] : [])
        + (saysAccepted ? ["accepted"] : [])
    ]
    for (input, row) in zip(inputs, rows) {
      table.append(
        [input.text] + answer(row.values) + (row.outliers.map { ["\($0)"] } ?? [])
          + (saysAccepted ? [input.accepted.joined(separator: "; ")] : []))
    }
    let text = table.map { $0.map(csvField).joined(separator: ",") + "\n" }.joined()
    try writeAtomically(Data(text.utf8), to: path)
    return zip(inputs, rows).map { input, row in
      Prediction(
        input: input.text, output: path, accepted: input.accepted,
        largestOutlierShare: row.outliers)
    }
  }

  private var answerColumns: [String] {
    switch target.kind {
    case .label: ["class"] + target.names.map { "probability_\($0)" }
    case .labels: ["classes"] + target.names.map { "probability_\($0)" }
    default: target.names
    }
  }

  private func answer(_ values: [Float]) -> [String] {
    let numbers = values.map { "\($0)" }
    switch target.kind {
    case .label:
      let best = values.indices.max { (values[$0], $1) < (values[$1], $0) }
      let isNumber = !values.contains(where: \.isNaN)
      return [isNumber ? best.map { target.names[$0] } ?? "" : ""] + numbers
    case .labels:
      let chosen = zip(target.names, values).filter { $0.1 > 0.5 }.map(\.0)
      return [chosen.joined(separator: ";")] + numbers
    default: return numbers
    }
  }
}

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
func csvField(_ text: String) -> String {
  text.contains { ",\"\n".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
}

extension Tensor {
  /// Mean of the elements that are numbers.
  var mean: Double {
    withElements(of: Float.self) { values in
      let known = values.lazy.filter { !$0.isNaN }
      return known.reduce(0.0) { $0 + Double($1) } / Double(max(1, known.count { _ in true }))
    }
  }
}
