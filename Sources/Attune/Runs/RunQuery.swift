import Foundation
import Recipes

/// A condition on runs: `method=lora`, `test/VRMSE<0.02`, `state!=finished`.
package struct RunCondition: Sendable {
  enum Comparison: String, CaseIterable, Sendable {
    // Those of two characters first, since they begin like others.
    case atMost = "<="
    case atLeast = ">="
    case differs = "!="
    case equals = "="
    case below = "<"
    case above = ">"
  }

  let column: RunColumn
  let comparison: Comparison
  let value: String

  /// Reads a condition.
  ///
  /// - Throws: `CommandLineError` that says what is expected.
  package init(_ text: String) throws {
    let found = text.indices.lazy.compactMap { place in
      Comparison.allCases.first { text[place...].hasPrefix($0.rawValue) }.map { (place, $0) }
    }.first
    guard let (place, comparison) = found, place > text.startIndex else {
      throw CommandLineError(
        description:
          "--where \(text): expected a column, one of = != < <= > >=, and a value, as in "
          + "method=lora")
    }
    column = try RunColumn(String(text[..<place]))
    self.comparison = comparison
    value = String(text[text.index(place, offsetBy: comparison.rawValue.count)...])
    guard column.isNumber, comparison != .equals, comparison != .differs else { return }
    guard Double(value) != nil else {
      throw CommandLineError(
        description: "--where \(text): \(column.name) is a number, found \"\(value)\"")
    }
  }

  /// Whether a run fulfils it; one that has no such value does not, unless it is asked to differ.
  func holds(for run: RunEntry) -> Bool {
    guard let found = column.value(run) else { return comparison == .differs }
    if case .number(let number) = found, let limit = Double(value) {
      return switch comparison {
      case .equals: number == limit
      case .differs: number != limit
      case .below: number < limit
      case .above: number > limit
      case .atMost: number <= limit
      case .atLeast: number >= limit
      }
    }
    let text = found.text
    return switch comparison {
    case .equals: text == value
    case .differs: text != value
    case .below: text < value
    case .above: text > value
    case .atMost: text <= value
    case .atLeast: text >= value
    }
  }
}

/// A column of the table of runs, or a metric by its name.
package struct RunColumn: Sendable {
  enum Value: Sendable {
    case text(String)
    case number(Double)

    var text: String {
      switch self {
      case .text(let text): text
      case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
      }
    }
  }

  let name: String
  let isNumber: Bool
  let value: @Sendable (RunEntry) -> Value?

  /// A column by name; what holds a slash or begins with a capital is a metric.
  ///
  /// - Throws: `CommandLineError` that names the columns.
  package init(_ name: String) throws {
    if let column = Self.all.first(where: { $0.name == name }) {
      self = column
    } else if name.contains("/") || name.first?.isUppercase == true {
      self.init(name, isNumber: true) { run in
        let full = run.metrics[name] ?? run.metrics.first { $0.key.hasSuffix("/" + name) }?.value
        return full.map(Value.number)
      }
    } else {
      let names = Self.all.map(\.name)
      let near = NearestName.of(name, among: names).map { "; did you mean \($0)" } ?? ""
      throw CommandLineError(
        description: "\(name): no column of the table of runs\(near). There are "
          + "\(names.joined(separator: ", ")), and metrics such as test/VRMSE")
    }
  }

  private init(
    _ name: String, isNumber: Bool, _ value: @escaping @Sendable (RunEntry) -> Value?
  ) {
    self.name = name
    self.isNumber = isNumber
    self.value = value
  }

  static let all: [RunColumn] = [
    text("state") { $0.state.rawValue },
    text("name") { $0.name },
    text("task") { $0.task },
    text("method") { $0.method },
    text("model") { $0.model },
    number("seed") { $0.seed.map(Double.init) },
    text("metric") { $0.headline },
    number("value") { $0.value },
    number("trainable") { $0.trainableParameters.map(Double.init) },
    number("seconds") { $0.seconds },
    number("memory") { $0.peakMemoryBytes.map(Double.init) },
    number("step") { Double($0.step) },
    text("experimental") { $0.isExperimental.map(String.init) },
    text("started") { $0.startedAt },
    text("finished") { $0.finishedAt },
    text("digest") { $0.digest },
    text("folder") { $0.folder },
  ]

  private static func text(
    _ name: String, _ value: @escaping @Sendable (RunEntry) -> String?
  ) -> RunColumn {
    RunColumn(name, isNumber: false) { value($0).map(Value.text) }
  }

  private static func number(
    _ name: String, _ value: @escaping @Sendable (RunEntry) -> Double?
  ) -> RunColumn {
    RunColumn(name, isNumber: true) { value($0).map(Value.number) }
  }
}
