package import Recipes

extension PDEData {
  /// What a model trained on these data expects of its input.
  package var contract: StateContract {
    let scaling = scaling
    return StateContract(
      fields: set.fields.map(\.name), components: set.fields.map(\.components),
      frameShape: set.frameShape, inputFrames: options.inputFrames,
      interval: set.files[0].interval, spacing: set.files[0].spacing,
      normalization: options.normalization, means: scaling.means,
      standardDeviations: scaling.deviations, quantileShares: FieldStatistics.shares,
      quantiles: statistics.map(\.quantiles))
  }

  /// The data's part of the run record.
  ///
  /// `files` come with their digests from the caller, as does the digest of the test part.
  package func record(files: [RunRecord.Data.File], testDigest: String) -> RunRecord.Data {
    var splits: [String: RunRecord.Data.Split] = [:]
    for part in SplitPart.allCases {
      guard let windows = windows(part) else { continue }
      splits[part.rawValue] = .init(
        units: windows.units.count, unitName: "trajectories", samples: windows.count)
    }
    return RunRecord.Data(
      format: options.format.name, files: files, splits: splits, inputs: [input],
      skipped: [], splitMethod: splitSummary, testDigest: testDigest)
  }

  private var input: RunRecord.Data.Input {
    let names = ["D", "H", "W"]
    let frame = set.frameShape
    var axes = ["T \(set.frameCount)"]
    if frame[1] > 1 { axes.append("C \(frame[1])") }
    for (name, size) in zip(names, frame[2...]) where size > 1 { axes.append("\(name) \(size)") }

    let file = set.files[0]
    let steps = [("dt", file.interval)] + zip(["dz", "dy", "dx"], file.spacing)
    let known = steps.compactMap { name, step in step.map { "\(name) \(Float($0))" } }
    let scaling = scaling
    return RunRecord.Data.Input(
      name: "state", bands: set.fields.map(\.name), unit: "",
      shape: axes.joined(separator: ", "),
      resolution: known.isEmpty ? "not in the files" : known.joined(separator: ", "),
      normalization: options.normalization.rawValue, means: scaling.means,
      standardDeviations: scaling.deviations)
  }
}
