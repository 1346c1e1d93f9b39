/// Places in a matrix that PEFT draws by PyTorch's generator.
enum SparsePositions {
  /// The first `count` of a random order of all entries of `[rows, columns]`, row by row.
  static func random(count: Int, rows: Int, columns: Int, seed: Int) -> [Int] {
    var generator = TorchGenerator(seed: seed)
    return generator.permutation(of: rows * columns, first: count)
  }
}
