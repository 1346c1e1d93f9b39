import Synchronization

/// One recorded operation: where its operands came from, and how a gradient passes through it.
///
/// Nodes exist only above trainable values. What an operation saved for its backward pass lives in
/// the closure and is dropped as soon as it has been used.
package final class Node: Sendable {
  /// Passes the gradient of the result to the operands, in the order of `parents`; nil where an
  /// operand needs none.
  typealias Backward = @Sendable (Tensor) -> [Tensor?]

  struct Recorded: Sendable {
    let parents: [Node?]
    let backward: Backward
  }

  /// Grows along the forward pass, so that descending order is a valid order for going back.
  let order: Int
  /// Whether this is a trainable value and not an operation.
  let isLeaf: Bool
  private let recorded: Mutex<Recorded?>
  private static let counter = Atomic(0)

  /// A leaf: a trainable value, made before any operation on it.
  package init() {
    order = Self.counter.add(1, ordering: .relaxed).newValue
    isLeaf = true
    recorded = Mutex(nil)
  }

  init(parents: [Node?], backward: @escaping Backward) {
    order = Self.counter.add(1, ordering: .relaxed).newValue
    isLeaf = false
    recorded = Mutex(Recorded(parents: parents, backward: backward))
  }

  /// The nodes of the operands that are tracked.
  var parents: [Node] { recorded.withLock { $0?.parents.compactMap { $0 } ?? [] } }

  /// Takes what was recorded; a second call gets nil, as does a leaf.
  func takeRecorded() -> Recorded? {
    recorded.withLock { recorded in
      let taken = recorded
      recorded = nil
      return taken
    }
  }
}

extension Tensor {
  /// This tensor as the trainable value that `leaf` stands for.
  package func tracked(by leaf: Node) -> Tensor { with(node: leaf) }

  /// This tensor as the result of an operation on `operands`, recorded only if one is tracked.
  func recorded(from operands: [Tensor], backward: @escaping Node.Backward) -> Tensor {
    guard operands.contains(where: { $0.node != nil }) else { return self }
    return with(node: Node(parents: operands.map(\.node), backward: backward))
  }
}
