/// What a task asks of a sample beside its inputs.
package enum TargetKind: String, Codable, Sendable, CaseIterable {
  /// Nothing: the input is its own target.
  case none
  /// The frames that follow: tensor `target` f32 `[field, component, depth, height, width]`.
  case frames
  /// One class: i32 `[]`.
  case label
  /// Any number of classes: f32 `[class]` of 0 and 1.
  case labels
  /// A class for every pixel: i32 `[height, width]`.
  case classMap = "class-map"
  /// Numbers: f32 `[value]`.
  case values
  /// Shares of classes that add up to 1: f32 `[class]`.
  case shares
  /// Numbers for every pixel, NaN where unknown: f32 `[value, height, width]`.
  case valueMap = "value-map"
  /// The clean image: f32 `[channel, height, width]`.
  case image

  /// What is delivered, in words.
  package var meaning: String {
    switch self {
    case .none: "no target"
    case .frames: "frames of a field"
    case .label: "one class for each sample"
    case .labels: "a list of classes for each sample"
    case .classMap: "a raster of classes"
    case .values: "numbers for each sample"
    case .shares: "class shares for each sample"
    case .valueMap: "a raster of numbers"
    case .image: "a clean image"
    }
  }

  /// Whether it consists of classes.
  package var hasClasses: Bool {
    switch self {
    case .label, .labels, .classMap, .shares: true
    case .none, .frames, .values, .valueMap, .image: false
    }
  }
}

/// The target of a data set, as its training part shows it; kept with the run.
package struct TargetDescription: Codable, Sendable, Equatable {
  /// Name of the tensor in a sample.
  package static let field = "target"

  package var kind: TargetKind
  /// Names of the classes, values or channels, in their order.
  package var names: [String]
  /// Class that no loss or metric counts.
  package var ignoreIndex: Int
  /// Samples or pixels of each class in the training part; empty without classes.
  package var counts: [Int]
  /// Mean of each value or share in the training part, and its standard deviation.
  package var means: [Double]
  package var deviations: [Double]
  /// What a value means: `Mg/ha`; nil where unknown.
  package var unit: String?

  private enum CodingKeys: String, CodingKey {
    case kind, names, counts, means, unit
    case ignoreIndex = "ignore_index"
    case deviations = "stds"
  }

  package init(
    kind: TargetKind, names: [String], ignoreIndex: Int = 255, counts: [Int] = [],
    means: [Double] = [], deviations: [Double] = [], unit: String? = nil
  ) {
    self.kind = kind
    self.names = names
    self.ignoreIndex = ignoreIndex
    self.counts = counts
    self.means = means
    self.deviations = deviations
    self.unit = unit
  }
}
