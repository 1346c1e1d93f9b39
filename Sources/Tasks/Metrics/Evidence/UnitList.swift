/// The independent units of a split in the order of their numbers, however they came together.
///
/// Units are either all numbered or all taken in the order in which they are added and merged. Since
/// every figure is computed in this order, it does not depend on how the units were sharded.
struct UnitList<Unit: Sendable>: Sendable {
  private var entries: [(number: Int?, unit: Unit)] = []

  var count: Int { entries.count }

  /// - Parameters:
  ///   - unit: one image, scene, block, subject or trajectory.
  ///   - number: its place in the split; nil puts it last.
  mutating func append(_ unit: Unit, number: Int?) {
    entries.append((number, unit))
  }

  mutating func merge(_ other: UnitList) { entries += other.entries }

  /// Units by number; a number that comes twice is a programming error, since it would count twice.
  var ordered: [Unit] {
    guard entries.contains(where: { $0.number != nil }) else { return entries.map(\.unit) }
    let numbered = entries.map { entry in
      guard let number = entry.number else {
        preconditionFailure("units with and without a number in one collector")
      }
      return (number: number, unit: entry.unit)
    }.sorted { $0.number < $1.number }
    for (first, second) in zip(numbered, numbered.dropFirst()) {
      precondition(first.number != second.number, "unit \(first.number) was added twice")
    }
    return numbered.map(\.unit)
  }
}
