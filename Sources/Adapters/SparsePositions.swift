import Layers
import Tensors

/// Places in a matrix, as numbers in row-major order.
enum SparsePositions {
  /// The first `count` of a random order of all entries of `[rows, columns]`, as PEFT draws them by
  /// PyTorch's generator.
  static func random(count: Int, rows: Int, columns: Int, seed: Int) -> [Int] {
    var generator = TorchGenerator(seed: seed)
    return generator.permutation(of: rows * columns, first: count)
  }

  /// The diagonal, then whole columns and rows in turn, each in a random order, until there are `count`.
  ///
  /// Of the last line only the first entries. Ascending.
  static func lines(count: Int, rows: Int, columns: Int, seed: Int) -> [Int] {
    var generator = TorchGenerator(seed: seed)
    let across = generator.permutation(of: columns, first: columns)
    let down = generator.permutation(of: rows, first: rows)
    var found = Set<Int>()
    func add(_ line: some Sequence<Int>) {
      for place in line where found.count < count { found.insert(place) }
    }
    add((0..<min(rows, columns)).lazy.map { $0 * columns + $0 })
    for index in 0..<max(rows, columns) where found.count < count {
      if index < columns { add((0..<rows).lazy.map { $0 * columns + across[index] }) }
      if index < rows { add((0..<columns).lazy.map { down[index] * columns + $0 }) }
    }
    return found.sorted()
  }

  /// The `count` entries of largest magnitude, of equal ones the first, ascending.
  static func largest(_ matrix: Tensor, count: Int) -> [Int] {
    let sizes = matrix.detached().cast(to: .f32).elements(as: Float.self).map { abs($0) }
    guard count < sizes.count else { return Array(sizes.indices) }
    guard count > 0 else { return [] }
    let least = sizes.sorted()[sizes.count - count]
    var ties = count - sizes.reduce(0) { $0 + ($1 > least ? 1 : 0) }
    return sizes.indices.filter { place in
      if sizes[place] > least { return true }
      guard sizes[place] == least, ties > 0 else { return false }
      ties -= 1
      return true
    }
  }
}

extension AdapterTarget {
  /// Refuses a rank that stands for more entries than the weight has.
  func requireEntries(_ count: Int, method: String) throws(AdapterError) {
    let all = rows.count * inputs
    guard count > all else { return }
    throw .unsupported(
      module: site.path, method: method,
      reason: "r \(rank) asks for \(count) entries of a weight that has \(all). Lower it")
  }
}
