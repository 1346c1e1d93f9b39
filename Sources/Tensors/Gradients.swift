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
  package func gradients() -> Gradients {
    precondition(elementCount == 1, "gradients of a tensor of shape \(shape): not a scalar")
    return gradients(for: Tensor(filledWith: 1, shape: shape, dtype: dtype))
  }

  /// The same for a result of any shape, given the gradient of a scalar with respect to it.
  package func gradients(for seed: Tensor) -> Gradients {
    precondition(seed.shape == shape, "seed of shape \(seed.shape) for a result of \(shape)")
    var found = Gradients()
    guard let node else { return found }
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
        if let parent, let gradient { pending.add(gradient, to: parent) }
      }
    }
    return found
  }
}

/// Gradients not yet passed on, sorted by the order in which their nodes were recorded.
private struct PendingGradients {
  private var entries: [(node: Node, gradient: Tensor)] = []

  mutating func add(_ gradient: Tensor, to node: Node) {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].node.order < node.order { low = middle + 1 } else { high = middle }
    }
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
