import Tensors

/// Draws that hold each of several groups of samples equally often, to within one.
enum GroupedDraw {
  /// Numbers of the samples of each group, groups in ascending order.
  static func members(_ groups: [Int]) -> [[Int]] {
    let members = Dictionary(grouping: groups.indices) { groups[$0] }
    return members.sorted { $0.key < $1.key }.map(\.value)
  }

  /// `count` samples in rounds: each round has one sample of every group, groups in an order of its
  /// own; a group gives each of its samples once before any of them again.
  static func order(of groups: [[Int]], count: Int, _ random: inout Philox) -> [Int] {
    var order: [Int] = []
    order.reserveCapacity(count)
    var waiting = groups.map { _ in [Int]() }
    while order.count < count {
      for group in random.permutation(groups.count) where order.count < count {
        if waiting[group].isEmpty {
          let members = groups[group]
          waiting[group] = random.permutation(members.count).map { members[$0] }
        }
        order.append(waiting[group].removeLast())
      }
    }
    return order
  }
}
