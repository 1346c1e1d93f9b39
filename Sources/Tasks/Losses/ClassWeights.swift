import Recipes

/// The option `class_weights` of losses over classes.
struct ClassWeights: Sendable {
  private enum Choice: Sendable {
    case none
    case balanced
    case values([Double])
  }

  static let option = Option(
    "class_weights", .either([.oneOf(["balanced"]), .list(.number)]), default: .absent,
    range: .atLeast(0),
    "one for each class; balanced: in inverse proportion to their training samples")

  private let choice: Choice
  /// One for each class once fitted; nil where all are 1.
  private(set) var values: [Double]?

  init(_ options: OptionReader) {
    if !options.isGiven("class_weights") {
      choice = .none
    } else if options.optionalText("class_weights") == "balanced" {
      choice = .balanced
    } else {
      choice = .values(options.numbers("class_weights"))
    }
  }

  /// Weights for the classes of a target.
  ///
  /// Balanced: n / (K nₖ), so that all classes weigh alike (scikit-learn's formula).
  mutating func fit(to target: TargetDescription, loss: String) throws(TaskError) {
    switch choice {
    case .none: values = nil
    case .balanced:
      let total = Double(target.counts.reduce(0, +))
      let classes = Double(target.counts.count)
      values = target.counts.map { $0 == 0 ? 0 : total / (classes * Double($0)) }
    case .values(let given):
      guard given.count == target.names.count, given.contains(where: { $0 > 0 }) else {
        throw .settingInvalid(
          field: "train.loss.class_weights of \(loss)", found: "\(given.count) weights",
          expected: "one for each of the \(target.names.count) classes "
            + "(\(target.names.joined(separator: ", "))), not all 0")
      }
      values = given
    }
  }
}
