import Layers
import Synchronization
import Tensors

/// Adds up the gradients of all ranks, bucket by bucket, while the backward pass still goes on.
///
/// Only gradients of trained values travel. Buckets follow the values in reverse order, in which the
/// backward pass as a rule comes to them; all ranks send the same buckets in the same order.
final class GradientExchange: Sendable {
  /// Values that travel together.
  private struct Bucket: Sendable {
    /// Numbers of its parameters, and where each begins.
    let members: [(number: Int, start: Int)]
    /// Of the parameters; a flag for each of them follows.
    let length: Int
  }

  private struct State {
    /// What went before the last micro step.
    var before = Gradients()
    var isOpen = false
    var shards = 1
    /// By parameter, what its shards have given.
    var parts: [[Tensor?]]
    /// By bucket, how many of its members are not there yet.
    var missing: [Int]
    /// By bucket, once it is under way.
    var sums: [(any PendingSum)?]
    /// By bucket, what is gathered for it.
    var values: [[Float]]
    var next = 0
  }

  private let ranks: any Communicator
  private let parameters: [Parameter]
  private let numbers: [ObjectIdentifier: Int]
  private let bucketOf: [Int]
  private let buckets: [Bucket]
  private let state: Mutex<State>

  /// - Parameters:
  ///   - ranks: who takes part.
  ///   - parameters: all that is trained, in the same order on all ranks.
  ///   - length: values after which a bucket is full; nil for a mebibyte, and 64 KiB for each rank
  ///     where that is more, so that no single message is too small to be worth its start.
  init(
    _ ranks: any Communicator, parameters: [Parameter], bucketLength length: Int? = nil
  ) {
    self.ranks = ranks
    self.parameters = parameters
    let bucketLength = length ?? max(1 << 18, ranks.count << 14)
    numbers = Dictionary(
      uniqueKeysWithValues: parameters.enumerated().map { (ObjectIdentifier($1.leaf), $0) })
    var buckets: [Bucket] = []
    var bucketOf = [Int](repeating: 0, count: parameters.count)
    var (members, filled) = ([(number: Int, start: Int)](), 0)
    for number in parameters.indices.reversed() {
      bucketOf[number] = buckets.count
      members.append((number, filled))
      filled += parameters[number].elementCount
      if filled >= bucketLength || number == 0 {
        buckets.append(Bucket(members: members, length: filled))
        (members, filled) = ([], 0)
      }
    }
    self.buckets = buckets
    self.bucketOf = bucketOf
    state = Mutex(
      State(
        parts: parameters.map { _ in [] }, missing: buckets.map(\.members.count),
        sums: buckets.map { _ in nil }, values: buckets.map { _ in [] }))
  }

  /// Opens the exchange for the last micro step of an optimizer step.
  ///
  /// - Parameter before: gradients of the micro steps that went before.
  func open(before: Gradients) {
    state.withLock { state in
      state.before = before
      state.isOpen = true
      state.shards = 1
      state.next = 0
      for index in state.parts.indices { state.parts[index] = [] }
      for index in buckets.indices {
        state.missing[index] = buckets[index].members.count
        state.sums[index] = nil
        state.values[index] = [Float](
          repeating: 0, count: buckets[index].length + buckets[index].members.count)
      }
    }
  }

  /// How many threads will give a gradient of each value.
  func expect(shards: Int) {
    state.withLock { state in
      state.shards = shards
      for index in state.parts.indices {
        state.parts[index] = [Tensor?](repeating: nil, count: shards)
      }
    }
  }

  /// Takes what one thread has found for a value, all of its passes together.
  func ready(_ leaf: Node, _ gradient: Tensor, shard: Int) {
    guard let number = numbers[ObjectIdentifier(leaf)] else { return }
    state.withLock { state in
      guard state.isOpen else { return }
      state.parts[number][shard] = gradient
      let parts = state.parts[number].compactMap { $0 }
      guard parts.count == state.shards, let first = parts.first else { return }
      let sum = parts.dropFirst().reduce(first) { $0 + $1 }
      state.parts[number] = []
      put(state.before[leaf].map { $0 + sum } ?? sum, number, &state)
      sendFullBuckets(&state)
    }
  }

  /// Sends what is not under way yet and waits for all.
  ///
  /// - Parameter local: gradients of this rank, complete.
  /// - Returns: their sums over all ranks; values that took part on no rank have none.
  /// - Throws: where a rank is lost.
  func finish(_ local: Gradients) throws -> Gradients {
    let sums = state.withLock { state -> [(any PendingSum)?] in
      for bucket in buckets.indices where state.sums[bucket] == nil {
        for (place, member) in buckets[bucket].members.enumerated() {
          let isThere = state.values[bucket][buckets[bucket].length + place] != 0
          guard !isThere, let gradient = local[parameters[member.number].leaf] else { continue }
          put(gradient, member.number, &state)
        }
        state.missing[bucket] = 0
      }
      sendFullBuckets(&state)
      state.isOpen = false
      state.before = Gradients()
      return state.sums
    }
    var gradients = Gradients()
    for (bucket, pending) in zip(buckets, sums) {
      guard let values = try pending?.wait() else { continue }
      for (place, member) in bucket.members.enumerated() where values[bucket.length + place] > 0 {
        let parameter = parameters[member.number]
        gradients[parameter.leaf] = Tensor(
          Array(values[member.start..<(member.start + parameter.elementCount)]),
          shape: parameter.value.shape)
      }
    }
    return gradients
  }

  private func put(_ gradient: Tensor, _ number: Int, _ state: inout State) {
    let bucket = bucketOf[number]
    let members = buckets[bucket].members
    guard let place = members.firstIndex(where: { $0.number == number }) else { return }
    let source = gradient.cast(to: .f32)
    let start = members[place].start
    state.values[bucket].withUnsafeMutableBytes { target in
      guard let base = target.baseAddress else { return }
      (base + 4 * start).copyMemory(from: source.pointer, byteCount: source.byteCount)
    }
    state.values[bucket][buckets[bucket].length + place] = 1
    state.missing[bucket] -= 1
  }

  /// Sends buckets in their order, up to the first that is not full.
  private func sendFullBuckets(_ state: inout State) {
    while state.next < buckets.count, state.missing[state.next] <= 0 {
      state.sums[state.next] = ranks.sum(state.values[state.next])
      state.next += 1
    }
  }
}
