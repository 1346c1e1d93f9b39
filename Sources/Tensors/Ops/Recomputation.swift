/// A part of the forward pass that keeps only its input and is computed again on the way back
/// (activation checkpointing, arXiv 1604.06174).
///
/// - Parameters:
///   - x: input of the part.
///   - body: the part; called again, and told so, with the same input when its gradient is needed,
///     so it must give the same values twice.
/// - Returns: the result of `body`.
package func recomputed(
  _ x: Tensor, _ body: @escaping @Sendable (_ x: Tensor, _ again: Bool) -> Tensor
) -> Tensor {
  let input = x.detached()
  let leaf = x.isTracked ? Node() : nil
  let traced = body(input.with(node: leaf), false)
  guard let top = traced.node else { return traced }
  let leaves = top.leavesBelow().filter { $0 !== leaf }
  let inner = leaf
  return traced.detached().with(
    node: Node(parents: [x.node] + leaves) { gradient in
      let found = body(input.with(node: inner), true).gradients(for: gradient)
      return [inner.flatMap { found[$0] }] + leaves.map { found[$0] }
    })
}

extension Node {
  /// The trainable values that this node's gradient reaches, each once.
  fileprivate func leavesBelow() -> [Node] {
    var seen: Set<ObjectIdentifier> = []
    var leaves: [Node] = []
    var open = [self]
    while let node = open.popLast() {
      guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
      if node.isLeaf { leaves.append(node) }
      open += node.parents
    }
    return leaves.sorted { $0.order < $1.order }
  }
}
