import Datasets
import Foundation
import Recipes

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

  /// A PDE state or an image, told apart by their keys.
  enum Entry: Codable, Sendable, Equatable {
    case state(Input)
    case image(ImageContract)

    private enum Mark: String, CodingKey { case fields }

    init(from decoder: any Decoder) throws {
      let isState = try decoder.container(keyedBy: Mark.self).contains(.fields)
      self = isState ? .state(try Input(from: decoder)) : .image(try ImageContract(from: decoder))
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .state(let input): try input.encode(to: encoder)
      case .image(let image): try image.encode(to: encoder)
      }
    }
  }

  var format = "attune-contract/1"
  var quantileShares = FieldStatistics.shares
  var inputs: [String: Entry]
  /// Classes or values that the model gives; nil for fields and pretraining.
  var target: TargetDescription?

  private enum CodingKeys: String, CodingKey {
    case format, inputs, target
    case quantileShares = "quantile_shares"
  }

  init(_ data: PreparedData) throws {
    inputs = data.contract.mapValues { contract in
      switch contract {
      case .state(let state): .state(Input(state))
      case .image(let image): .image(image)
      }
    }
    target = try data.target()
  }

  /// The inputs of one source of data, by their names in it.
  ///
  /// Where a run has several sources, a source's name stands for its only input, or before the
  /// names of several.
  func inputs(of source: String, isOnly: Bool) -> [String: InputContract] {
    var found: [String: InputContract] = [:]
    for name in inputs.keys {
      guard let input = input(name) else { continue }
      if isOnly {
        found[name] = input
      } else if name == source {
        found[input.standardName] = input
      } else if name.hasPrefix(source + ".") {
        found[String(name.dropFirst(source.count + 1))] = input
      }
    }
    return found
  }

  /// What the PDE state of that name must be.
  func state(_ name: String) -> StateContract? {
    guard case .state(let input) = inputs[name] else { return nil }
    return StateContract(input, quantileShares: quantileShares)
  }

  /// What the input of that name must be.
  func input(_ name: String) -> InputContract? {
    switch inputs[name] {
    case .state(let input): .state(StateContract(input, quantileShares: quantileShares))
    case .image(let image): .image(image)
    case nil: nil
    }
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
    try Contract.check(mismatches(with: found), input: input, accepting: accepted)
  }
}

extension Contract {
  /// Refuses differences, unless they are accepted by name.
  ///
  /// - Returns: The accepted ones, as texts for the output's metadata.
  static func check(
    _ all: [StateContract.Mismatch], input: String, accepting accepted: [String]
  ) throws(RunError) -> [String] {
    let refused = all.filter { !accepted.contains($0.name) }
    guard refused.isEmpty else {
      throw .contract(
        input: input,
        differences: refused.map { .init(name: $0.name, expected: $0.expected, found: $0.found) })
    }
    return all.map { "\($0.name): expected \($0.expected), found \($0.found)" }
  }
}
