package import Layers
package import Tensors

/// A backbone that is an embedding, blocks one after the other, and a tail, so that a forward pass
/// may stop before any block and go on from there later.
///
/// What the blocks hand on is one tensor, samples first; nothing else of the input but its shape is
/// read after the cut.
package protocol BlockSequence: Backbone {
  var blockCount: Int { get }
  /// Path of the list of blocks, such as `blocks`: parameters of block 3 lie below `blocks.3`.
  static var blocksPath: String { get }
  /// Paths of what comes after the last block; all else belongs to the embedding.
  static var tailPaths: [String] { get }

  /// What is drawn anew in every training step before block `cut`, by the names of its options, such
  /// as `drop_path_rate 0.1`; empty where nothing is.
  func randomness(before cut: Int) -> [String]

  /// What enters block `cut`, or with `cut` = `blockCount` the tail.
  func hidden(_ input: BackboneInput, before cut: Int, _ context: ForwardContext) -> Tensor

  /// The rest of the forward pass, from what enters block `cut`.
  ///
  /// `inputShape` is that of the only input's batch. Asked `maps` must be of blocks from `cut` on.
  func output(
    of hidden: Tensor, from cut: Int, inputShape: [Int], maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput
}

extension BlockSequence {
  /// Number of the first block that training or an adapter changes.
  ///
  /// - Parameter changed: paths of trainable values and of adapted modules.
  /// - Returns: `blockCount` where only the tail is changed, nil where the embedding is.
  package func firstBlock(changedBy changed: [String]) -> Int? {
    let places = changed.map(place)
    return places.contains(nil) ? nil : places.compactMap { $0 }.min() ?? blockCount
  }

  /// Whether a parameter or buffer lies before block `cut`.
  package func isBelow(_ cut: Int, _ path: String) -> Bool {
    place(of: path).map { $0 < cut } ?? true
  }

  /// Number of the block that a path belongs to, `blockCount` for the tail, nil for the embedding.
  private func place(of path: String) -> Int? {
    if Self.tailPaths.contains(where: { path == $0 || path.hasPrefix($0 + ".") }) {
      return blockCount
    }
    guard path.hasPrefix(Self.blocksPath + ".") else { return nil }
    return path.dropFirst(Self.blocksPath.count + 1).split(separator: ".").first.flatMap { Int($0) }
  }
}
