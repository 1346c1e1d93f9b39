package import Recipes

/// Several samples that are bad, each with what is wrong: all are told at once.
package struct BadSamples: ExitCoded, Equatable {
  /// One text for each.
  package let reasons: [String]

  package init(_ reasons: [String]) { self.reasons = reasons }

  package var exitCode: ExitCode { .malformedData }
}

extension BadSamples: CustomStringConvertible {
  private static let mostShown = 20

  /// A line for each of the first, and how many more there are.
  package var description: String {
    let rest = reasons.count - Self.mostShown
    return
      (["\(reasons.count) samples are bad; mend them, or set data.on_bad: skip"]
      + reasons.prefix(Self.mostShown) + (rest > 0 ? ["and \(rest) more"] : []))
      .joined(separator: "\n")
  }
}
