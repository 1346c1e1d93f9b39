import Recipes
import Tensors

/// Classes counted, or numbers averaged, over the targets of a training part.
struct TargetCensus {
  private let targets: RasterTargets
  private var counts: [Int]
  private var ignored = 0
  private var moments: [Moments]

  init(_ targets: RasterTargets) {
    self.targets = targets
    counts = [Int](repeating: 0, count: targets.names.count)
    moments = targets.names.map { _ in Moments() }
  }

  /// Adds a target as a sample holds it.
  mutating func add(_ target: Tensor) {
    switch targets.target.kind {
    case .label, .classMap:
      target.withElements(of: Int32.self) { values in
        for value in values {
          if counts.indices.contains(Int(value)) { counts[Int(value)] += 1 } else { ignored += 1 }
        }
      }
    case .labels, .values, .shares, .valueMap, .image:
      let perName = target.elementCount / max(1, moments.count)
      let isCounted = targets.target.kind == .labels
      target.withElements(of: Float.self) { values in
        for name in moments.indices {
          let known = values[(name * perName)..<((name + 1) * perName)].filter { !$0.isNaN }
          known.withUnsafeBufferPointer { moments[name].add($0) }
          if isCounted, known.first == 1 { counts[name] += 1 }
        }
      }
    case .none, .frames: break
    }
  }

  /// What the training part shows.
  ///
  /// - Throws: `TargetError` where it shows too little to learn from.
  func description() throws(TargetError) -> TargetDescription {
    let kind = targets.target.kind
    let names = targets.names
    if kind.hasClasses, kind != .labels, names.count < 2 {
      throw .nothingToLearn(
        reason: "the training part has the one class \(names.joined())",
        mend: "Give at least two classes")
    }
    if kind == .classMap, counts.allSatisfy({ $0 == 0 }) {
      throw .nothingToLearn(
        reason: "all \(ignored) pixels of the training part are ignored",
        mend: "Check data.target.label_map, ignore_index and the files' no-data value")
    }
    let absent = names.indices.filter { counts[$0] == 0 }
    if kind == .label || kind == .labels, !absent.isEmpty {
      throw .classesAbsent(
        names: absent.map { names[$0] },
        counts: Dictionary(zip(names, counts)) { first, _ in first })
    }
    if kind == .valueMap, let empty = moments.firstIndex(where: { $0.count == 0 }) {
      throw .nothingToLearn(
        reason: "no pixel of the training part has a known '\(names[empty])'",
        mend: "Check the files and their no-data value")
    }
    return TargetDescription(
      kind: kind, names: names, ignoreIndex: targets.target.ignoreIndex,
      counts: kind.hasClasses && kind != .shares ? counts : [],
      means: moments.map(\.mean), deviations: moments.map(\.standardDeviation))
  }

  /// Classes that no training pixel has, for the record.
  var absentClasses: [String] {
    guard targets.target.kind == .classMap else { return [] }
    return zip(targets.names, counts).filter { $0.1 == 0 }.map(\.0)
  }
}
