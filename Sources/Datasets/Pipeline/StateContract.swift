import Foundation

/// What a trained model's PDE input must be; part of `contract.json`.
package struct StateContract: Codable, Sendable, Equatable {
  package var fields: [String]
  /// Stored channels of each field.
  package var components: [[String]]
  /// F, C, D, H, W.
  package var frameShape: [Int]
  package var inputFrames: Int
  /// Time between frames; nil where the files do not say.
  package var interval: Double?
  /// Along D, H, W; nil where the files do not say, or the axis has one point.
  package var spacing: [Double?]
  package var normalization: FieldNormalization
  /// Per field; empty where they are computed per sample.
  package var means: [Double]
  package var standardDeviations: [Double]
  /// Shares of `quantiles`.
  package var quantileShares: [Double]
  /// Per field, values of the training part before normalization.
  package var quantiles: [[Double]]

  package init(
    fields: [String], components: [[String]], frameShape: [Int], inputFrames: Int,
    interval: Double?, spacing: [Double?], normalization: FieldNormalization, means: [Double],
    standardDeviations: [Double], quantileShares: [Double], quantiles: [[Double]]
  ) {
    self.fields = fields
    self.components = components
    self.frameShape = frameShape
    self.inputFrames = inputFrames
    self.interval = interval
    self.spacing = spacing
    self.normalization = normalization
    self.means = means
    self.standardDeviations = standardDeviations
    self.quantileShares = quantileShares
    self.quantiles = quantiles
  }

  /// One difference between contract and data.
  package struct Mismatch: Sendable, Equatable {
    /// What `--accept` takes.
    package let name: String
    package let expected: String
    package let found: String
  }

  /// Where `found` breaks this contract: fields, components, grid, time step, grid spacing, or a
  /// median outside the 0.1 % to 99.9 % range of the training data.
  ///
  /// What is unknown on one side is not compared.
  package func mismatches(with found: StateContract) -> [Mismatch] {
    var mismatches: [Mismatch] = []
    func compare<Value: Equatable>(_ name: String, _ expected: Value, _ value: Value) {
      guard expected != value else { return }
      mismatches.append(Mismatch(name: name, expected: "\(expected)", found: "\(value)"))
    }
    compare("fields", fields, found.fields)
    compare("components", components.map(\.count), found.components.map(\.count))
    compare("grid", Array(frameShape.dropFirst(2)), Array(found.frameShape.dropFirst(2)))
    compareStep("dt", interval, found.interval, into: &mismatches)
    for (axis, (expected, value)) in zip(["dz", "dy", "dx"], zip(spacing, found.spacing)) {
      compareStep(axis, expected, value, into: &mismatches)
    }
    guard fields == found.fields else { return mismatches }
    for (field, (expected, values)) in zip(fields, zip(quantiles, found.quantiles)) {
      guard let low = expected.first, let high = expected.last,
        let place = found.quantileShares.firstIndex(of: 0.5), !(low...high).contains(values[place])
      else { continue }
      mismatches.append(
        Mismatch(
          name: "values.\(field)", expected: "a median in [\(short(low)), \(short(high))]",
          found: "\(short(values[place]))"))
    }
    return mismatches
  }

  /// Relative difference that steps of time and space may have.
  private static let stepTolerance = 1e-4

  private func compareStep(
    _ name: String, _ expected: Double?, _ found: Double?, into mismatches: inout [Mismatch]
  ) {
    guard let expected, let found, abs(expected - found) > Self.stepTolerance * abs(expected) else {
      return
    }
    mismatches.append(
      Mismatch(name: name, expected: "\(short(expected))", found: "\(short(found))"))
  }
}

private func short(_ value: Double) -> String { String(format: "%.6g", value) }
