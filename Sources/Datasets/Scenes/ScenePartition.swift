/// The labelled pixels of a scene in parts, and how much patches of one part show of another.
package struct ScenePartition: Sendable, Equatable {
  /// Numbers of the pixels of each part, ascending.
  package let parts: [SplitPart: [Int]]
  /// Number of pixels by part and class.
  package let counts: [SplitPart: [Int]]
  /// Labelled pixels that are in no part.
  package let droppedCount: Int
  /// Share of the test pixels that lie inside the patch of a training pixel; 0 without test pixels.
  package let insideShare: Double
  /// Share of the test pixels whose patch has a pixel in common with that of a training pixel.
  package let touchingShare: Double
  /// Smallest distance of a test pixel from a training pixel, the larger of rows and columns; nil
  /// without test pixels.
  package let distance: Int?

  /// - Throws: `DataError.classesNotTrained` where the training part lacks a class that has pixels.
  init(
    _ labels: SceneLabels, patch: Int, parts: [SplitPart: [Int]]
  ) throws(DataError) {
    let parts = parts.filter { !$0.value.isEmpty }.mapValues { $0.sorted() }
    self.parts = parts
    let counts = parts.mapValues { pixels in
      pixels.reduce(into: [Int](repeating: 0, count: labels.classNames.count)) {
        $0[labels.classes[$1]] += 1
      }
    }
    self.counts = counts
    droppedCount = labels.labelled.count - parts.values.reduce(0) { $0 + $1.count }
    let trained = counts[.train] ?? []
    let missing = labels.pixelsByClass.indices.filter { label in
      !labels.pixelsByClass[label].isEmpty && (trained.isEmpty || trained[label] == 0)
    }
    guard missing.isEmpty else {
      throw .classesNotTrained(names: missing.map { labels.classNames[$0] }, part: "train")
    }
    let neighborhood = PixelNeighborhood(labels, of: parts[.train] ?? [])
    let test = parts[.test] ?? []
    func share(within reach: Int) -> Double {
      let count = test.count { neighborhood.contains($0, within: reach) }
      return test.isEmpty ? 0 : Double(count) / Double(test.count)
    }
    insideShare = share(within: (patch - 1) / 2)
    touchingShare = share(within: patch - 1)
    var distance: Int?
    if !test.isEmpty {
      var (low, high) = (0, max(labels.width, labels.height))
      while low < high {
        let middle = (low + high) / 2
        if test.contains(where: { neighborhood.contains($0, within: middle) }) {
          high = middle
        } else {
          low = middle + 1
        }
      }
      distance = low
    }
    self.distance = distance
  }

  /// What the split lets pass between its parts, in sentences with the measured shares.
  package var notes: [String] {
    var notes: [String] = []
    if let distance {
      notes.append(
        "\(Self.percent(insideShare)) of the test pixels lie inside a training patch, and "
          + "\(Self.percent(touchingShare)) of the test patches share a pixel with one; the nearest "
          + "lie \(distance) pixels apart.")
    }
    if droppedCount > 0 {
      notes.append("\(droppedCount) labelled pixels are in no part.")
    }
    return notes
  }

  private static func percent(_ share: Double) -> String {
    let tenths = Int((1000 * share).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
