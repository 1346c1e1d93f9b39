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
    /// `zscore`, `per-trajectory`, `per-window`, `none`.
    var normalization: String
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
      let set = source.data.set
      let scaling = source.data.scaling
      inputs[data.sources.count == 1 ? "state" : source.name] = Input(
        fields: zip(set.fields, source.data.statistics).map { field, statistics in
          Field(
            name: field.name, components: field.components, quantiles: statistics.quantiles)
        }, frameShape: set.frameShape, inputFrames: data.inputFrames,
        interval: set.files[0].interval, spacing: set.files[0].spacing,
        normalization: source.data.options.normalization.rawValue, means: scaling.means,
        standardDeviations: scaling.deviations)
    }
    self.inputs = inputs
  }
}
