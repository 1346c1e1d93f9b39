internal import CKernels

/// Gradients of a scalar with respect to trainable values.
///
/// A value that did not take part has no entry: absent is not zero, and an optimizer skips it.
package struct Gradients: Sendable {
  /// `isOwned` where the memory is a sum made here, which no tensor elsewhere shares: more is added to
  /// it in place, so a copy of these gradients is for reading once one of the two is added to.
  private var values: [ObjectIdentifier: (sum: Tensor, isOwned: Bool)] = [:]

  package init() {}

  /// The gradient for a leaf, of the leaf's shape, or nil where it did not take part.
  package subscript(_ leaf: Node) -> Tensor? {
    get { values[ObjectIdentifier(leaf)]?.sum }
    set { values[ObjectIdentifier(leaf)] = newValue.map { ($0, false) } }
  }

  /// Adds `other`, times `weight`, to these gradients.
  package mutating func add(_ other: Gradients, weight: Double) {
    for (key, gradient) in other.values { add(gradient.sum, weight: weight, at: key) }
  }

  mutating func accumulate(_ gradient: Tensor, for leaf: Node) {
    add(gradient, weight: 1, at: ObjectIdentifier(leaf))
  }

  private mutating func add(_ gradient: Tensor, weight: Double, at key: ObjectIdentifier) {
    guard let (sum, isOwned) = values[key] else {
      values[key] = weight == 1 ? (gradient, false) : (gradient.scaled(by: weight), true)
      return
    }
    guard isOwned else {
      values[key] = (sum + gradient.scaled(by: weight), true)
      return
    }
    kernels(sum.dtype).accumulate(gradient.pointer, weight, sum.pointer, sum.elementCount)
  }
}

extension Tensor {
  /// Goes back from this scalar to every trainable value below it.
  ///
  /// Each recorded operation is used once and what it saved is dropped at once, so a second call
  /// finds an empty tape. Operations are visited in descending order of recording.
  ///
  /// `ready` hears of a leaf's gradient as soon as nothing more can come to it, while the rest is still
  /// on its way; leaves that some path leaves out are not told of.
  package func gradients(ready: ((Node, Tensor) -> Void)? = nil) -> Gradients {
    precondition(elementCount == 1, "gradients of a tensor of shape \(shape): not a scalar")
    return gradients(for: Tensor(filledWith: 1, shape: shape, dtype: dtype), ready: ready)
  }

  /// The same for a result of any shape, given the gradient of a scalar with respect to it.
  package func gradients(
    for seed: Tensor, ready: ((Node, Tensor) -> Void)? = nil
  ) -> Gradients {
    precondition(seed.shape == shape, "seed of shape \(seed.shape) for a result of \(shape)")
    var found = Gradients()
    guard let node else { return found }
    var uses = ready == nil ? [:] : node.leafUses()
    var pending = PendingGradients()
    pending.add(seed, to: node)
    while let (node, gradient) = pending.popLast() {
      guard let recorded = node.takeRecorded() else {
        if node.isLeaf { found.accumulate(gradient, for: node) }
        continue
      }
      let passed = recorded.backward(gradient)
      precondition(passed.count == recorded.parents.count, "one gradient per operand")
      for (parent, gradient) in zip(recorded.parents, passed) {
        guard let parent else { continue }
        if let gradient { pending.add(gradient, to: parent) }
        guard let ready, parent.isLeaf else { continue }
        uses[ObjectIdentifier(parent), default: 0] -= 1
        if uses[ObjectIdentifier(parent)] == 0, let whole = pending.take(parent) {
          found.accumulate(whole, for: parent)
          ready(parent, whole)
        }
      }
    }
    return found
  }
}

extension Node {
  /// How often each leaf below is an operand.
  fileprivate func leafUses() -> [ObjectIdentifier: Int] {
    var (uses, seen, open) = ([ObjectIdentifier: Int](), Set<ObjectIdentifier>(), [self])
    while let node = open.popLast() {
      for parent in node.parents {
        if parent.isLeaf {
          uses[ObjectIdentifier(parent), default: 0] += 1
        } else if seen.insert(ObjectIdentifier(parent)).inserted {
          open.append(parent)
        }
      }
    }
    return uses
  }
}

/// Gradients not yet passed on, sorted by the order in which their nodes were recorded.
private struct PendingGradients {
  private var entries: [(node: Node, gradient: Tensor)] = []

  /// Where a node stands or would stand.
  private func place(of node: Node) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].node.order < node.order { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Takes out what has come to a node.
  mutating func take(_ node: Node) -> Tensor? {
    let place = place(of: node)
    guard place < entries.count, entries[place].node === node else { return nil }
    return entries.remove(at: place).gradient
  }

  mutating func add(_ gradient: Tensor, to node: Node) {
    let low = place(of: node)
    if low < entries.count, entries[low].node === node {
      let first = entries[low].gradient
      entries[low].gradient =
        first.dtype == .bf16
        ? (first.cast(to: .f32) + gradient.cast(to: .f32)).cast(to: .bf16) : first + gradient
    } else {
      entries.insert((node, gradient), at: low)
    }
  }

  mutating func popLast() -> (Node, Tensor)? { entries.popLast() }
}
