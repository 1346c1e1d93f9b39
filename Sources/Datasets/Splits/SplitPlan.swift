/// Which trajectories train, validate and test.
package enum SplitPlan: Sendable, Equatable {
  /// A permutation of all trajectories, cut.
  case trajectories(TrajectorySplit)
  /// Files of their own for each part.
  case files(FileSplit)
}

/// Parts by files: folders, files, or names with `*`, below the data's root.
package struct FileSplit: Sendable, Equatable {
  /// Where validation comes from.
  package enum Validation: Sendable, Equatable {
    case files(String)
    /// A share of the training trajectories, drawn by the split's seed.
    case shareOfTrain(Double)
  }

  package var train: String
  package var validation: Validation?
  package var test: String?
  package var seed: UInt64
  package var limits: [SplitPart: TrajectorySplit.Limit]

  package init(
    train: String, validation: Validation? = nil, test: String? = nil, seed: UInt64 = 42,
    limits: [SplitPart: TrajectorySplit.Limit] = [:]
  ) {
    self.train = train
    self.validation = validation
    self.test = test
    self.seed = seed
    self.limits = limits
  }

  /// Files of each part.
  var patterns: [(SplitPart, String)] {
    var patterns = [(SplitPart.train, train)]
    if case .files(let pattern) = validation { patterns.append((.val, pattern)) }
    if let test { patterns.append((.test, test)) }
    return patterns
  }

  /// The split in words, for reports.
  package var summary: String {
    let validation =
      switch validation {
      case .files(let pattern): "val \(pattern)"
      case .shareOfTrain(let share): "val a share \(share) of train (seed \(seed))"
      case nil: "no val"
      }
    return "by files: train \(train), \(validation), test \(test ?? "none")"
  }

  /// Units by part, from the part of the file that each lies in.
  ///
  /// - Throws: `DataError.optionInvalid` for a share or limit that cannot be.
  func parts(_ partOfUnit: [SplitPart]) throws(DataError) -> [SplitPart: [Int]] {
    var parts: [SplitPart: [Int]] = [.train: [], .val: [], .test: []]
    for (unit, part) in partOfUnit.enumerated() { parts[part]?.append(unit) }
    if case .shareOfTrain(let share) = validation {
      guard share > 0, share < 1 else {
        throw .optionInvalid(
          key: "data.split.val", found: "\(share)", expected: "files, or a share between 0 and 1")
      }
      let units = parts[.train] ?? []
      let drawn = try TrajectorySplit(.fractions([1 - share, share, 0]), seed: seed)
        .parts(of: units.count)
      parts[.train] = drawn[.train]?.map { units[$0] }
      parts[.val] = drawn[.val]?.map { units[$0] }
    }
    for (part, limit) in limits {
      parts[part] = try TrajectorySplit.limited(parts[part] ?? [], to: limit, part: part)
    }
    return parts
  }
}
