/// Finds the known name that a wrong one was probably meant to be.
package enum NearestName {
  /// The nearest of `known` by edit distance, or nil where nothing is near.
  ///
  /// Near is at most a third of the written letters, but two at least, and never a whole short name;
  /// a swap of neighbors counts as one edit. Ties go to the alphabetically first name.
  package static func of(_ written: String, among known: [String]) -> String? {
    let lowered = written.lowercased()
    let ranked = known.sorted().map { (name: $0, edits: distance(lowered, $0.lowercased())) }
    guard let nearest = ranked.min(by: { $0.edits < $1.edits }) else { return nil }
    let limit = min(max(2, written.count / 3), max(written.count - 1, 0))
    return nearest.edits <= limit ? nearest.name : nil
  }

  /// Edits between two texts: insertions, deletions, replacements, swaps of neighbors.
  static func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left.unicodeScalars), Array(right.unicodeScalars))
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        var edits = min(
          last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          edits = min(edits, beforeLast[j - 2] + 1)
        }
        row.append(edits)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
