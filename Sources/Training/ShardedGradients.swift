import Dispatch
package import Layers
import Synchronization
package import Tensors

/// Samples with their identifiers, stacked along the first axis of every field.
package struct Batch: Sendable {
  package let identifiers: [String]
  /// Field name to values, first axis the sample.
  package let fields: [String: Tensor]

  package init(identifiers: [String], fields: [String: Tensor]) {
    self.identifiers = identifiers
    self.fields = fields
  }

  package var count: Int { identifiers.count }

  /// Contiguous parts of nearly equal size, at most `limit`.
  func shards(_ limit: Int) -> [Range<Int>] {
    let parts = max(1, min(limit, count))
    return (0..<parts).map { ($0 * count / parts)..<(($0 + 1) * count / parts) }
  }

  func part(_ range: Range<Int>) -> [String: Tensor] {
    fields.mapValues { $0.sliced(axis: 0, range) }
  }
}

/// Mean loss over the samples of some fields, a scalar.
package typealias LossFunction =
  @Sendable (_ fields: [String: Tensor], _ context: ForwardContext) -> Tensor

/// Loss and gradients of one batch, computed on several threads.
///
/// Each thread takes a contiguous part of the batch through the whole forward and backward pass;
/// the parts are added in their order, so that results depend on the number of threads alone.
/// `firstSample` is the index of the batch's first sample among the `total` samples of the optimizer
/// step; losses and gradients are weighted by count / total.
func shardedGradients(
  _ batch: Batch, threads: Int, seed: UInt64, step: Int, firstSample: Int, total: Int,
  loss: LossFunction
) -> (loss: Double, gradients: Gradients) {
  let shards = batch.shards(threads)
  let results = Mutex([(loss: Double, gradients: Gradients)?](repeating: nil, count: shards.count))
  DispatchQueue.concurrentPerform(iterations: shards.count) { index in
    let range = shards[index]
    let samples = (firstSample + range.lowerBound)..<(firstSample + range.upperBound)
    let result = Allocator.withLane(index) {
      let value = loss(
        batch.part(range), .training(seed: seed, step: step, samples: samples))
      return (value.scalar, value.gradients())
    }
    results.withLock { $0[index] = result }
  }
  var sum = 0.0
  var gradients = Gradients()
  for (range, result) in zip(shards, results.withLock { $0 }) {
    guard let result else { continue }
    let weight = Double(range.count) / Double(total)
    sum += result.loss * weight
    gradients.add(result.gradients, weight: weight)
  }
  return (sum, gradients)
}
