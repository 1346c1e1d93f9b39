import Foundation
package import Recipes
import Tensors

extension PDEDataOptions: DataSetPlan {
  package func open(seed: UInt64, keeping kept: KeptStatistics?) throws -> any DataSet {
    try PDEData(self, keeping: kept)
  }

  package func normalizing(
    by contract: [String: InputContract], target: TargetDescription?
  ) -> any DataSetPlan {
    guard normalization == .zscore, case .state(let state) = contract[PDEData.inputName] else {
      return self
    }
    var options = self
    options.statistics = .init(means: state.means, stds: state.standardDeviations)
    return options
  }
}

extension PDEData: DataSet {
  /// Name of the only input.
  package static let inputName = "state"

  package var filePaths: [String] { self.set.files.map(\.path) }

  package var inputs: [InputDescription] {
    [
      InputDescription(
        name: Self.inputName, shape: [options.inputFrames] + set.frameShape,
        bands: set.fields.map(\.name))
    ]
  }

  package var contract: [String: InputContract] { [Self.inputName: .state(stateContract)] }

  package func samples(_ part: SplitPart, augmented: Bool) -> (any SampleSet)? { windows(part) }

  package func testDigest() throws -> String {
    guard let windows = windows(.test) else { return "" }
    func read() throws -> String {
      let parts = try windows.unitIdentifiers.enumerated().map { position, identifier in
        let raw = try windows.rawTrajectory(position)
        let bytes = raw.withElements(of: Float.self) { Data(buffer: $0) }
        return "\(identifier) \(SHA256Digest.of(bytes))"
      }
      return SHA256Digest.of(parts.joined(separator: "\n"))
    }
    return try kept?.digest(of: windows.unitIdentifiers, in: filePaths, read) ?? read()
  }

  /// What a model trained on these data expects of its input.
  package var stateContract: StateContract {
    let scaling = scaling
    return StateContract(
      fields: set.fields.map(\.name), components: set.fields.map(\.components),
      frameShape: set.frameShape, inputFrames: options.inputFrames,
      interval: set.files[0].interval, spacing: set.files[0].spacing,
      normalization: options.normalization, means: scaling.means,
      standardDeviations: scaling.deviations, quantileShares: FieldStatistics.shares,
      quantiles: statistics.map(\.quantiles))
  }

  package func record(files: [RunRecord.Data.File], testDigest: String) -> RunRecord.Data {
    var splits: [String: RunRecord.Data.Split] = [:]
    for part in SplitPart.allCases {
      guard let windows = windows(part) else { continue }
      splits[part.rawValue] = .init(
        units: windows.units.count, unitName: "trajectories", samples: windows.count)
    }
    return RunRecord.Data(
      format: options.format.name, files: files, splits: splits, inputs: [input],
      skipped: skipped, splitMethod: splitSummary, testDigest: testDigest)
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
      name: Self.inputName, bands: set.fields.map(\.name), unit: "",
      shape: axes.joined(separator: ", "),
      resolution: known.isEmpty ? "not in the files" : known.joined(separator: ", "),
      normalization: options.normalization.rawValue, means: scaling.means,
      standardDeviations: scaling.deviations)
  }
}
