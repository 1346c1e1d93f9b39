import Datasets
import Foundation

/// What a run's input must be: stored with the run, checked by `predict` and `eval`.
struct Contract: Codable, Sendable, Equatable {
  struct Field: Codable, Sendable, Equatable {
    var name: String
    var components: [String]
    /// Shares of values below, as `quantileShares`, over the training split.
    var quantiles: [Double]
  }

  struct Input: Codable, Sendable, Equatable {
    var fields: [Field]
    /// Field, component, depth, height, width.
    var frameShape: [Int]
    /// Frames of a window.
    var inputFrames: Int
    /// Time between frames, in the data's unit; nil where the file does not say.
    var interval: Double?
    /// Grid spacing along width, height, depth; nil where unknown.
    var spacing: [Double?]
    var normalization: FieldNormalization
    var means: [Double]
    var standardDeviations: [Double]

    private enum CodingKeys: String, CodingKey {
      case fields, interval, spacing, normalization, means
      case frameShape = "frame_shape"
      case inputFrames = "n_steps_input"
      case standardDeviations = "stds"
    }
  }

  var format = "attune-contract/1"
  var quantileShares = FieldStatistics.shares
  var inputs: [String: Input]

  private enum CodingKeys: String, CodingKey {
    case format, inputs
    case quantileShares = "quantile_shares"
  }

  init(_ data: PreparedData) {
    var inputs: [String: Input] = [:]
    for source in data.sources {
      inputs[data.sources.count == 1 ? Self.onlyInput : source.name] = Input(source.data.contract)
    }
    self.inputs = inputs
  }

  /// Name of the input of a run with one source of data.
  static let onlyInput = "state"

  /// What the input of that name must be.
  func state(_ name: String) -> StateContract? {
    inputs[name].map { StateContract($0, quantileShares: quantileShares) }
  }
}

extension Contract.Input {
  init(_ state: StateContract) {
    self.init(
      fields: state.fields.indices.map {
        Contract.Field(
          name: state.fields[$0], components: state.components[$0], quantiles: state.quantiles[$0])
      }, frameShape: state.frameShape, inputFrames: state.inputFrames, interval: state.interval,
      spacing: state.spacing, normalization: state.normalization, means: state.means,
      standardDeviations: state.standardDeviations)
  }
}

extension StateContract {
  fileprivate init(_ input: Contract.Input, quantileShares: [Double]) {
    self.init(
      fields: input.fields.map(\.name), components: input.fields.map(\.components),
      frameShape: input.frameShape, inputFrames: input.inputFrames, interval: input.interval,
      spacing: input.spacing, normalization: input.normalization, means: input.means,
      standardDeviations: input.standardDeviations, quantileShares: quantileShares,
      quantiles: input.fields.map(\.quantiles))
  }

  /// Refuses what breaks this contract, unless it is accepted by name.
  ///
  /// - Returns: The accepted differences, as texts for the output's metadata.
  func check(
    _ found: StateContract, input: String, accepting accepted: [String]
  ) throws(RunError) -> [String] {
    let all = mismatches(with: found)
    let refused = all.filter { !accepted.contains($0.name) }
    guard refused.isEmpty else {
      throw .contract(
        input: input,
        differences: refused.map { .init(name: $0.name, expected: $0.expected, found: $0.found) })
    }
    return all.map { "\($0.name): expected \($0.expected), found \($0.found)" }
  }
}
