import Tensors

/// Whole blocks of a scene in parts, with a guard band: no two patches of different parts share a
/// pixel.
///
/// Blocks are taken in a random order, those with large shares of some class first; each goes to the
/// part that misses most of what it holds. Then pixels closer than (patch + 1) / 2 (Chebyshev) to a
/// block of another part are left out, so that at least patch - 1 pixels lie between blocks that share
/// an edge; and where blocks meet at a corner alone, pixels closer than patch to one of another part.
struct SceneBlocks {
  private let labels: SceneLabels
  private let side: Int
  private let patch: Int
  private let fractions: [Double]
  private let columns: Int
  /// Number of labelled pixels by block and class.
  private var counts: [[Int]]
  private let order: [Int]

  /// - Throws: `DataError.optionInvalid` for blocks smaller than two patches.
  init(
    _ labels: SceneLabels, side: Int, patch: Int, _ fractions: [Double], seed: UInt64
  ) throws(DataError) {
    guard side >= 2 * patch else {
      throw .optionInvalid(
        key: "data.split.block", found: "\(side)",
        expected: "at least \(2 * patch), two patches of \(patch) pixels")
    }
    self.labels = labels
    self.side = side
    self.patch = patch
    self.fractions = fractions
    columns = (labels.width + side - 1) / side
    let rows = (labels.height + side - 1) / side
    var counts = [[Int]](
      repeating: [Int](repeating: 0, count: labels.classNames.count), count: columns * rows)
    for pixel in labels.labelled {
      let block = pixel / labels.width / side * columns + pixel % labels.width / side
      counts[block][labels.classes[pixel]] += 1
    }
    self.counts = counts
    let totals = labels.pixelsByClass.map(\.count)
    let weights = counts.map { block in
      zip(block, totals).map { $1 == 0 ? 0 : Double($0) / Double($1) }.max() ?? 0
    }
    var random = Philox(seed: seed, purpose: .split, step: 0, index: 0)
    let shuffled = random.permutation(counts.count).enumerated()
    order = shuffled.sorted {
      (-weights[$0.element], $0.offset) < (-weights[$1.element], $1.offset)
    }
    .map(\.element).filter { weights[$0] > 0 }
  }

  /// Part of each block; nil for blocks without labelled pixels.
  private var partOfBlock: [Int?] {
    let totals = labels.pixelsByClass.map { Double(max(1, $0.count)) }
    let whole = fractions.reduce(0, +)
    var missing = fractions.map { share in totals.map { share / whole * $0 } }
    var result = [Int?](repeating: nil, count: counts.count)
    for block in order {
      // Classes count alike, however large they are.
      let gains = fractions.indices.map { part in
        fractions[part] == 0
          ? -Double.infinity
          : counts[block].indices.reduce(0.0) { sum, label in
            let count = Double(counts[block][label])
            return sum + count * missing[part][label] / (totals[label] * totals[label])
          }
      }
      let part = gains.indices.max { (gains[$0], -$0) < (gains[$1], -$1) } ?? 0
      result[block] = part
      for label in totals.indices { missing[part][label] -= Double(counts[block][label]) }
    }
    return result
  }

  /// Pixels by part.
  func parts() -> [SplitPart: [Int]] {
    let partOfBlock = partOfBlock
    let reach = (patch + 1) / 2 - 1
    var parts: [SplitPart: [Int]] = [:]
    for pixel in labels.labelled {
      let (row, column) = (pixel / labels.width, pixel % labels.width)
      guard let part = partOfBlock[row / side * columns + column / side] else { continue }
      let rows = (max(0, row - reach) / side)...(min(labels.height - 1, row + reach) / side)
      let places = (max(0, column - reach) / side)...(min(labels.width - 1, column + reach) / side)
      let isAlone = rows.allSatisfy { row in
        places.allSatisfy { partOfBlock[row * columns + $0].map { $0 == part } ?? true }
      }
      if isAlone { parts[SplitPart.allCases[part], default: []].append(pixel) }
    }
    let neighborhoods = parts.mapValues { PixelNeighborhood(labels, of: $0) }
    return parts.reduce(into: [:]) { result, entry in
      let others = neighborhoods.filter { $0.key != entry.key }.values
      result[entry.key] = entry.value.filter { pixel in
        others.allSatisfy { !$0.contains(pixel, within: patch - 1) }
      }
    }
  }
}
