import Formats
package import Recipes

/// Several samples that are bad, each with what is wrong: all are told at once.
package struct BadSamples: ExitCoded, Equatable {
  /// One text for each.
  package let reasons: [String]

  package init(_ reasons: [String]) { self.reasons = reasons }

  package var exitCode: ExitCode { .malformedData }
}

/// What becomes of bad samples (`data.on_bad`, `data.max_skipped`).
package struct BadSamplePolicy: Sendable, Equatable {
  /// Whether they are left out of the run; else the first one stops it.
  package var skips = false
  /// How many may be left out.
  package var maximum = Allowance.share(0.01)

  package init() {}

  package init(_ section: DataSection) {
    skips = section.onBadSample == .skip
    maximum = section.maximumSkipped
  }

  /// How many of `count` samples may be bad.
  package func allowed(of count: Int) -> Int {
    switch maximum {
    case .count(let allowed): allowed
    case .share(let share): Int(share * Double(count))
    }
  }

  /// Refuses more bad samples than the recipe allows.
  func require(_ bad: [RunRecord.Data.Skipped], of count: Int) throws(DataError) {
    let allowed = allowed(of: count)
    guard bad.count <= allowed else {
      throw .tooManyBad(
        count: bad.count, of: count, allowed: allowed,
        examples: bad.prefix(5).map { "\($0.sample): \($0.reason)" })
    }
  }
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

extension Error {
  /// Whether the error tells of one file rather than of the recipe.
  var isOfOneSample: Bool {
    switch self {
    case is FormatError, is M3LEOError: true
    case let error as DataError: error.isOfOneFile
    default: false
    }
  }
}
