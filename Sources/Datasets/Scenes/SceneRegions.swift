import Tensors

/// Controlled sampling (after Liang, Zhou, Qian, Wen, Bai and Gao, arXiv 1605.05829): in each connected
/// field of a class a training region grows from a random pixel by its four neighbors until it has its
/// share; validation grows on from there, and the rest of the field is for testing.
///
/// Patches of different parts overlap less than under random sampling, but still do.
struct SceneRegions {
  private let labels: SceneLabels
  private let seed: UInt64

  init(_ labels: SceneLabels, seed: UInt64) {
    self.labels = labels
    self.seed = seed
  }

  func parts(_ fractions: [Double]) -> [SplitPart: [Int]] {
    var parts: [SplitPart: [Int]] = [:]
    for (number, field) in fields().enumerated() {
      var random = Philox(seed: seed, purpose: .split, step: 0, index: number)
      let grown = grown(from: field[random.below(field.count)])
      parts.merge(SceneSplit.cut(grown, fractions)) { $0 + $1 }
    }
    return parts
  }

  /// Connected pixels of one class each, in the order of their first pixels.
  private func fields() -> [[Int]] {
    var isTaken = [Bool](repeating: false, count: labels.classes.count)
    var fields: [[Int]] = []
    for pixel in labels.labelled where !isTaken[pixel] {
      let field = grown(from: pixel)
      for member in field { isTaken[member] = true }
      fields.append(field)
    }
    return fields
  }

  /// The field around a pixel, nearest pixels first.
  private func grown(from start: Int) -> [Int] {
    var seen: Set<Int> = [start]
    var queue = [start]
    var next = 0
    while next < queue.count {
      let pixel = queue[next]
      next += 1
      let column = pixel % labels.width
      let neighbors = [
        pixel - labels.width, column > 0 ? pixel - 1 : -1,
        column < labels.width - 1 ? pixel + 1 : -1, pixel + labels.width,
      ]
      for neighbor in neighbors
      where labels.classes.indices.contains(neighbor)
        && labels.classes[neighbor] == labels.classes[pixel] && seen.insert(neighbor).inserted
      {
        queue.append(neighbor)
      }
    }
    return queue
  }
}
