/// Module paths that differ only in numbers, folded into one line each.
///
/// Sixty paths `blocks.0.attn.q` … `blocks.11.mlp.fc2` become five lines `blocks.0–11.attn.q`.
package enum PathGroups {
  package struct Group: Equatable {
    /// With ranges in place of the numbers that vary.
    package var pattern: String
    package var count: Int
  }

  package static func grouped(_ paths: [String]) -> [Group] {
    var order: [String] = []
    var members: [String: [[Substring]]] = [:]
    for path in paths {
      let parts = path.split(separator: ".", omittingEmptySubsequences: false)
      let key = parts.map { Int($0) == nil ? String($0) : "#" }.joined(separator: ".")
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(parts)
    }
    return order.map { key in
      let group = members[key] ?? []
      let pattern = (group.first ?? []).indices.map { position in
        let texts = group.map { $0[position] }
        let numbers = Set(texts.compactMap { Int($0) }).sorted()
        return numbers.isEmpty ? String(texts[0]) : ranges(numbers)
      }
      return Group(pattern: pattern.joined(separator: "."), count: group.count)
    }
  }

  /// `0–3,7` for 0, 1, 2, 3, 7.
  private static func ranges(_ numbers: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { run in
      run.count == 1 ? "\(run.lowerBound)" : "\(run.lowerBound)–\(run.upperBound)"
    }.joined(separator: ",")
  }
}
