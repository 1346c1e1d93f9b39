import Tensors

/// How the labelled pixels of one scene are put into training, validation and test part.
package struct SceneSplit: Sendable, Equatable {
  package enum Method: Sendable, Equatable {
    /// A permutation of all labelled pixels, cut at the shares.
    case random(fractions: [Double])
    /// The same class by class.
    case stratified(fractions: [Double], minimumPerClass: Int)
    /// Numbers of pixels of each class; a class gives at most half of its pixels to training, and at
    /// most half of the others to validation.
    case perClassCount(train: Int, validation: Int)
    /// Whole square blocks, with a guard band between those of different parts.
    case spatialBlocks(fractions: [Double], side: Int)
    /// Regions grown inside the connected fields of each class.
    case controlled(fractions: [Double])
    /// Parts that label images give, `[part: is pixel in it]`; validation may be a share of training.
    case masks([SplitPart: [Bool]], validationShare: Double?)
  }

  package var method: Method
  package var seed: UInt64
  package var limits: [SplitPart: TrajectorySplit.Limit]
  /// Largest share of the test pixels that may lie inside a training patch.
  package var maximumLeak = 1.0

  package init(
    _ method: Method, seed: UInt64 = 42, limits: [SplitPart: TrajectorySplit.Limit] = [:]
  ) {
    self.method = method
    self.seed = seed
    self.limits = limits
  }

  /// Puts every labelled pixel into a part, or into none where a guard band or a limit leaves it out.
  ///
  /// - Parameters:
  ///   - labels: classes of the pixels.
  ///   - patch: odd side of the square that a sample shows.
  /// - Returns: the parts, with what patches of one show of another.
  /// - Throws: `DataError.optionInvalid` for numbers that cannot be, `.classesNotTrained` where the
  ///   training part lacks a class, `.leakTooLarge`.
  package func partition(
    _ labels: SceneLabels, patch: Int
  ) throws(DataError) -> ScenePartition {
    var parts: [SplitPart: [Int]]
    switch method {
    case .random(let fractions):
      try Self.check(fractions)
      parts = Self.cut(shuffled(labels.labelled, stream: 0), fractions)
    case .stratified(let fractions, let minimum):
      try Self.check(fractions)
      parts = stratified(labels, fractions, minimum)
    case .perClassCount(let train, let validation):
      parts = counted(labels, train, validation)
    case .spatialBlocks(let fractions, let side):
      try Self.check(fractions)
      parts = try SceneBlocks(labels, side: side, patch: patch, fractions, seed: seed).parts()
    case .controlled(let fractions):
      try Self.check(fractions)
      parts = SceneRegions(labels, seed: seed).parts(fractions)
    case .masks(let masks, let share):
      parts = try masked(labels, masks, share)
    }
    for (part, limit) in limits {
      parts[part] = try TrajectorySplit.limited(
        spread(parts[part] ?? [], labels), to: limit, part: part)
    }
    let partition = try ScenePartition(labels, patch: patch, parts: parts)
    guard partition.insideShare <= maximumLeak else {
      throw .leakTooLarge(found: partition.insideShare, allowed: maximumLeak)
    }
    return partition
  }

  /// Shares of the three parts.
  static func check(_ fractions: [Double]) throws(DataError) {
    guard fractions.count == 3, fractions.allSatisfy({ $0 >= 0 && $0 <= 1 }), fractions[0] > 0,
      fractions.reduce(0, +) <= 1 + 1e-9
    else {
      throw .optionInvalid(
        key: "data.split.fractions", found: "\(fractions)",
        expected: "three shares from 0 to 1 of sum 1 at most, the first above 0")
    }
  }

  /// Pixels in an order of their own for each stream.
  private func shuffled(_ pixels: [Int], stream: Int) -> [Int] {
    var random = Philox(seed: seed, purpose: .split, step: stream, index: 0)
    return random.permutation(pixels.count).map { pixels[$0] }
  }

  /// Numbers of `count` things by shares: rounded down, the rest to the largest remainders, earlier
  /// parts first among equals.
  static func counts(_ fractions: [Double], of count: Int) -> [Int] {
    let exact = fractions.map { $0 * Double(count) }
    var counts = exact.map { Int($0 + 1e-9) }
    let total = min(count, Int((exact.reduce(0, +)).rounded()))
    let order = fractions.indices.sorted {
      (exact[$0] - Double(counts[$0]), -$0) > (exact[$1] - Double(counts[$1]), -$1)
    }
    for place in order.prefix(max(0, total - counts.reduce(0, +))) { counts[place] += 1 }
    return counts
  }

  static func cut(_ pixels: [Int], _ fractions: [Double]) -> [SplitPart: [Int]] {
    cut(pixels, counts: counts(fractions, of: pixels.count))
  }

  private static func cut(_ pixels: [Int], counts: [Int]) -> [SplitPart: [Int]] {
    let (train, val) = (counts[0], counts[0] + counts[1])
    return [
      .train: Array(pixels[..<train]), .val: Array(pixels[train..<val]),
      .test: Array(pixels[val..<(val + counts[2])]),
    ]
  }

  private func stratified(
    _ labels: SceneLabels, _ fractions: [Double], _ minimum: Int
  ) -> [SplitPart: [Int]] {
    merged(labels) { pixels in
      var counts = Self.counts(fractions, of: pixels.count)
      // Small classes: training first, then validation and test take from the largest part.
      for part in counts.indices where fractions[part] > 0 {
        while counts[part] < minimum {
          let spare = counts.indices.filter { $0 != part && counts[$0] > minimum }
            .max { counts[$0] < counts[$1] }
          if let spare {
            counts[spare] -= 1
          } else if part == 0,
            let other = counts.indices.dropFirst().first(where: { counts[$0] > 0 })
          {
            counts[other] -= 1
          } else if counts.reduce(0, +) >= pixels.count {
            break
          }
          counts[part] += 1
        }
      }
      return counts
    }
  }

  private func counted(_ labels: SceneLabels, _ train: Int, _ validation: Int) -> [SplitPart: [Int]]
  {
    merged(labels) { pixels in
      let trained = min(train, max(1, pixels.count / 2), pixels.count)
      let validated = min(validation, (pixels.count - trained) / 2)
      return [trained, validated, pixels.count - trained - validated]
    }
  }

  /// Parts of all classes, each shuffled by a stream of its own and cut at the given numbers.
  private func merged(
    _ labels: SceneLabels, _ counts: ([Int]) -> [Int]
  ) -> [SplitPart: [Int]] {
    var parts: [SplitPart: [Int]] = [:]
    for (label, pixels) in labels.pixelsByClass.enumerated() where !pixels.isEmpty {
      let cut = Self.cut(shuffled(pixels, stream: 1 + label), counts: counts(pixels))
      parts.merge(cut) { $0 + $1 }
    }
    return parts
  }

  private func masked(
    _ labels: SceneLabels, _ masks: [SplitPart: [Bool]], _ share: Double?
  ) throws(DataError) -> [SplitPart: [Int]] {
    var parts: [SplitPart: [Int]] = [:]
    for part in SplitPart.allCases {
      guard let mask = masks[part] else { continue }
      guard mask.count == labels.classes.count else {
        throw .optionInvalid(
          key: "data.split.\(part)", found: "\(mask.count) pixels",
          expected: "an image of \(labels.height)×\(labels.width)")
      }
      parts[part] = labels.labelled.filter { mask[$0] }
    }
    guard let share else { return parts }
    guard share > 0, share < 1 else {
      throw .optionInvalid(
        key: "data.split.val", found: "\(share)",
        expected: "a label image, or a share between 0 and 1")
    }
    let drawn = shuffled(parts[.train] ?? [], stream: 0)
    let counts = Self.counts([1 - share, share], of: drawn.count)
    parts[.train] = Array(drawn[..<counts[0]])
    parts[.val] = Array(drawn[counts[0]...])
    return parts
  }

  /// Pixels of a part in an order whose head holds all classes in their shares.
  private func spread(_ pixels: [Int], _ labels: SceneLabels) -> [Int] {
    var groups: [Int: [Int]] = [:]
    for pixel in shuffled(pixels, stream: 1 << 20) {
      groups[labels.classes[pixel], default: []].append(pixel)
    }
    return groups.flatMap { label, pixels in
      pixels.enumerated().map { place, pixel in
        (share: (Double(place) + 0.5) / Double(pixels.count), label: label, pixel: pixel)
      }
    }
    .sorted { ($0.share, $0.label) < ($1.share, $1.label) }.map(\.pixel)
  }
}
