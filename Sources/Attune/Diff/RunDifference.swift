import Foundation
import Recipes

/// Where two runs part, and why.
package struct RunDifference: Codable, Sendable {
  /// Why two runs part, in the order in which causes are looked for.
  package enum Cause: String, Codable, Sendable, CaseIterable {
    case startingValues = "starting values"
    case batchOrder = "batch order"
    case dataContent = "data content"
    case recipe
    case environment
    case unknown
  }

  /// The first step that differs.
  package struct Step: Codable, Sendable {
    package var step: Int
    /// `batch`, `loss`, `grad_norm`, `lr`: those that differ, in this order.
    package var differing: [Pair]
  }

  /// A value of both runs.
  package struct Pair: Codable, Sendable, Equatable {
    package var name: String
    package var first: String
    package var second: String

    package init(_ name: String, _ first: String, _ second: String) {
      (self.name, self.first, self.second) = (name, first, second)
    }
  }

  package var first: String
  package var second: String
  /// Steps that both runs have.
  package var comparedSteps: Int
  /// Whether all of these are equal, bit for bit, and the starting values too.
  package var isEqual: Bool
  package var step: Step?
  package var cause: Cause?
  /// The cause in one sentence.
  package var sentence: String
  /// Starting values and base weights, by their digests.
  package var values: [Pair]
  package var fields: [Pair]
  /// Files of the data whose content differs, or that only one run has (`absent`).
  package var data: [Pair]
  package var environment: [Pair]
  /// Steps that the runs went on from.
  package var resumed: [Pair]

  private enum CodingKeys: String, CodingKey {
    case first, second, step, cause, sentence, values, fields, data, environment, resumed
    case comparedSteps = "compared_steps"
    case isEqual = "equal"
  }
}

/// Compares two runs by what they recorded: digests of batches, losses, gradients, rates and starting
/// values, then recipe, data and environment.
///
/// - Throws: `FormatError.fileMissing` for a folder that is not there, `RunError.notARun` for another.
package func runDifference(_ first: String, _ second: String) throws -> RunDifference {
  RunDifference(try RecordedRun(first), try RecordedRun(second))
}

extension RunDifference {
  init(_ a: RecordedRun, _ b: RecordedRun) {
    first = a.directory.path
    second = b.directory.path
    comparedSteps = min(a.steps.count, b.steps.count)
    step = Self.firstStep(a.steps, b.steps)
    values = Self.pairs([
      ("starting values", a.initial, b.initial), ("weights", a.weightsDigest, b.weightsDigest),
    ])
    fields = Self.fields(a.recipe, b.recipe)
    data = Self.files(a.data, b.data)
    environment = Self.environment(a, b)
    let resumes = [a, b].map { $0.resumedAt.map(String.init).joined(separator: ", ") }
    resumed =
      resumes.allSatisfy(\.isEmpty)
      ? [] : [Pair("resumed at", resumes[0].ifEmpty("never"), resumes[1].ifEmpty("never"))]
    isEqual = step == nil && values.isEmpty
    cause = nil
    sentence = ""
    (cause, sentence) = explained()
  }

  // MARK: Steps

  private static func firstStep(_ a: [StepEvent], _ b: [StepEvent]) -> Step? {
    for (one, other) in zip(a, b) {
      var pairs: [Pair] = []
      if one.batch != other.batch { pairs.append(Pair("batch", one.batch, other.batch)) }
      for (name, first, second) in [
        ("loss", one.loss, other.loss), ("grad_norm", one.gradientNorm, other.gradientNorm),
        ("lr", one.learningRate, other.learningRate),
      ] where !isSame(first, second) {
        pairs.append(Pair(name, "\(first)", "\(second)"))
      }
      if !pairs.isEmpty { return Step(step: one.step, differing: pairs) }
    }
    return nil
  }

  /// NaN is equal to NaN here.
  private static func isSame(_ a: Double, _ b: Double) -> Bool { a == b || a.isNaN && b.isNaN }

  private static func pairs(_ values: [(String, String?, String?)]) -> [Pair] {
    values.compactMap { name, first, second in
      first == second ? nil : Pair(name, first ?? "unknown", second ?? "unknown")
    }
  }

  // MARK: Recipes

  /// Fields that name places and logs, not results.
  private static let places: Set<String> = ["name", "output", "tracking"]

  private static func fields(_ a: Located, _ b: Located) -> [Pair] {
    let (first, second) = (leaves(a), leaves(b))
    let names =
      (first.map(\.0) + second.map(\.0).filter { name in !first.contains { $0.0 == name } })
    let (one, other) = (
      Dictionary(first) { $1 }, Dictionary(second) { $1 }
    )
    return names.filter { name in
      one[name] != other[name]
        && !places.contains(String(name.prefix { $0 != "." }))
    }.map { Pair($0, one[$0] ?? "absent", other[$0] ?? "absent") }
  }

  /// Dotted paths of the scalars, lists of scalars and empty maps.
  private static func leaves(_ value: Located) -> [(String, String)] {
    switch value.value {
    case .map(let entries) where !entries.isEmpty: entries.flatMap { leaves($0.value) }
    case .list(let elements)
    where elements.contains(where: { !$0.entries.isEmpty || !$0.elements.isEmpty }):
      elements.flatMap(leaves)
    default: [(value.path, value.plain.scalarText)]
    }
  }

  // MARK: Data and environment

  private static func files(_ a: RunRecord.Data, _ b: RunRecord.Data) -> [Pair] {
    let one = Dictionary(a.files.map { ($0.path, $0.digest) }) { first, _ in first }
    let other = Dictionary(b.files.map { ($0.path, $0.digest) }) { first, _ in first }
    return Set(one.keys).union(other.keys).sorted().filter { one[$0] != other[$0] }
      .map { Pair($0, one[$0] ?? "absent", other[$0] ?? "absent") }
  }

  private static func environment(_ a: RecordedRun, _ b: RecordedRun) -> [Pair] {
    let (one, other) = (a.environment, b.environment)
    let libraries = Set(one.libraries.keys).union(other.libraries.keys).sorted()
    return pairs(
      [
        ("program", a.status.program, b.status.program),
        ("threads", "\(one.threads)", "\(other.threads)"),
        ("instruction set", one.instructionSet, other.instructionSet),
        ("processor", one.processor, other.processor), ("system", one.system, other.system),
        ("host", one.host, other.host),
      ] + libraries.map { ($0, one.libraries[$0], other.libraries[$0]) })
  }
}

extension String {
  fileprivate func ifEmpty(_ other: String) -> String { isEmpty ? other : self }
}
