import Tensors

/// The parts of a split.
package enum SplitPart: String, Sendable, CaseIterable, Codable {
  case train, val, test
}

/// How units are put into training, validation and test part.
package struct TrajectorySplit: Sendable, Equatable {
  /// Whose permutation decides.
  package enum Generator: String, Sendable, CaseIterable {
    /// Philox, cut at the fractions.
    case attune
    /// `numpy.random.seed(seed); permutation(n)`, cut at the fractions: MORPH's 80/10/10 split.
    case numpyLegacy = "numpy-legacy"
    /// MORPH's general script: the held-out share is the head of one legacy permutation, and the test
    /// part the head of a second one over the held-out units.
    case morphGeneral = "morph-general"
  }

  /// Sizes of training, validation and test part.
  package enum Sizes: Sendable, Equatable {
    /// Shares with a sum of at most 1; cut points are rounded down.
    case fractions([Double])
    /// Numbers of units; what is left over is not used.
    case counts([Int])
  }

  /// How much of a part is kept.
  package enum Limit: Sendable, Equatable {
    case share(Double)
    case count(Int)
  }

  package var sizes: Sizes
  package var seed: UInt64
  package var generator: Generator
  package var limits: [SplitPart: Limit]

  package init(
    _ sizes: Sizes, seed: UInt64 = 42, generator: Generator = .attune,
    limits: [SplitPart: Limit] = [:]
  ) {
    self.sizes = sizes
    self.seed = seed
    self.generator = generator
    self.limits = limits
  }

  /// Units 0..<count by part, in the order of the permutation.
  ///
  /// - Throws: `DataError.optionInvalid`.
  package func parts(of count: Int) throws(DataError) -> [SplitPart: [Int]] {
    try validate(count)
    var parts = try generator == .morphGeneral ? twoStages(count) : oneStage(count)
    for (part, limit) in limits {
      parts[part] = try Self.limited(parts[part] ?? [], to: limit, part: part)
    }
    return parts
  }

  /// The split in words with its numbers, for reports.
  package var summary: String {
    let sizes =
      switch sizes {
      case .fractions(let fractions): "fractions \(fractions)"
      case .counts(let counts): "counts \(counts)"
      }
    let limits = SplitPart.allCases.compactMap { part -> String? in
      switch self.limits[part] {
      case .share(let share): "\(part) limited to the share \(share)"
      case .count(let count): "\(part) limited to \(count)"
      case nil: nil
      }
    }
    return
      (["trajectories by a permutation (\(generator.rawValue), seed \(seed)), \(sizes)"] + limits)
      .joined(separator: ", ")
  }

  private func validate(_ count: Int) throws(DataError) {
    switch sizes {
    case .fractions(let fractions):
      // Sums such as 0.8 + 0.1 + 0.1 exceed 1 by rounding only.
      guard fractions.count == 3, fractions.allSatisfy({ $0 >= 0 }),
        fractions.reduce(0, +) <= 1 + 1e-9
      else {
        throw .optionInvalid(
          key: "data.split.fractions", found: "\(fractions)",
          expected: "three shares [train, val, test] with a sum of at most 1")
      }
    case .counts(let counts):
      guard counts.count == 3, counts.allSatisfy({ $0 >= 0 }), counts.reduce(0, +) <= count else {
        throw .optionInvalid(
          key: "data.split.counts", found: "\(counts)",
          expected: "three numbers [train, val, test] with a sum of at most \(count) trajectories")
      }
    }
    guard generator == .attune || UInt32(exactly: seed) != nil else {
      throw .optionInvalid(
        key: "data.split.seed", found: "\(seed)", expected: "a seed below 2^32, as numpy takes")
    }
  }

  private func oneStage(_ count: Int) throws(DataError) -> [SplitPart: [Int]] {
    let order = permutation(count)
    let cuts =
      switch sizes {
      case .fractions(let f): Self.cuts(f, of: count)
      case .counts(let c): [c[0], c[0] + c[1], c[0] + c[1] + c[2]]
      }
    return [
      .train: Array(order[..<cuts[0]]), .val: Array(order[cuts[0]..<cuts[1]]),
      .test: Array(order[cuts[1]..<cuts[2]]),
    ]
  }

  /// `int(a n)`, `int((a + b) n)` in double precision, and all units where the shares make 1.
  private static func cuts(_ fractions: [Double], of count: Int) -> [Int] {
    let first = Int(fractions[0] * Double(count))
    let second = Int((fractions[0] + fractions[1]) * Double(count))
    let sum = fractions.reduce(0, +)
    let third = sum > 1 - 1e-9 ? count : Int(sum * Double(count))
    return [min(first, count), min(second, count), max(third, min(second, count))]
  }

  private func twoStages(_ count: Int) throws(DataError) -> [SplitPart: [Int]] {
    guard case .fractions(let fractions) = sizes, fractions.reduce(0, +) > 1 - 1e-9 else {
      throw .optionInvalid(
        key: "data.split", found: "generator morph-general",
        expected: "fractions with a sum of 1 beside it")
    }
    let heldOutShare = fractions[1] + fractions[2]
    let order = permutation(count)
    let heldOutCount = min(count, Int((heldOutShare * Double(count)).rounded(.up)))
    let heldOut = Array(order[..<heldOutCount])
    let second = permutation(heldOutCount).map { heldOut[$0] }
    let testShare = heldOutShare > 0 ? fractions[2] / heldOutShare : 0
    let testCount = min(heldOutCount, Int((testShare * Double(heldOutCount)).rounded(.up)))
    return [
      .train: Array(order[heldOutCount...]), .val: Array(second[testCount...]),
      .test: Array(second[..<testCount]),
    ]
  }

  private func permutation(_ count: Int) -> [Int] {
    if generator == .attune {
      var random = Philox(seed: seed, purpose: .split, step: 0, index: 0)
      return random.permutation(count)
    }
    var random = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed))
    return random.permutation(count)
  }

  /// The head of a part; a share keeps at least one unit.
  static func limited(
    _ units: [Int], to limit: Limit, part: SplitPart
  ) throws(DataError) -> [Int] {
    switch limit {
    case .share(let share):
      guard share > 0, share <= 1 else {
        throw .optionInvalid(
          key: "data.split.limit.\(part)", found: "\(share)", expected: "a share above 0, at most 1"
        )
      }
      return Array(units.prefix(max(1, Int(share * Double(units.count)))))
    case .count(let count):
      guard count >= 1, count <= units.count else {
        throw .optionInvalid(
          key: "data.split.limit.\(part)", found: "\(count)",
          expected: "a number from 1 to the \(units.count) trajectories of the part")
      }
      return Array(units.prefix(count))
    }
  }
}
