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

  /// Parts of a shard that go through the model one after the other.
  package static func passes(_ shard: Range<Int>, samples: Int?) -> [Range<Int>] {
    guard let samples, samples < shard.count else { return [shard] }
    let parts = (shard.count + samples - 1) / samples
    return (0..<parts).map {
      let start = shard.lowerBound
      return (start + $0 * shard.count / parts)..<(start + ($0 + 1) * shard.count / parts)
    }
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
/// Each thread takes a contiguous part of the batch through the whole forward and backward pass, in
/// passes of at most `samplesPerPass` where given; the parts are added in their order, so that results
/// depend on the number of threads alone. `firstSample` is the index of the batch's first sample among
/// the `total` samples of the optimizer step; losses and gradients are weighted by count / total.
func shardedGradients(
  _ batch: Batch, threads: Int, samplesPerPass: Int? = nil, seed: UInt64, step: Int,
  firstSample: Int, total: Int, loss: LossFunction
) -> (loss: Double, gradients: Gradients) {
  let shards = batch.shards(threads)
  let results = Mutex([(loss: Double, gradients: Gradients)?](repeating: nil, count: shards.count))
  DispatchQueue.concurrentPerform(iterations: shards.count) { index in
    let result = Allocator.withLane(index) {
      var (sum, gradients) = (0.0, Gradients())
      for range in Batch.passes(shards[index], samples: samplesPerPass) {
        let samples = (firstSample + range.lowerBound)..<(firstSample + range.upperBound)
        let value = loss(
          batch.part(range), .training(seed: seed, step: step, samples: samples))
        let weight = Double(range.count) / Double(total)
        sum += value.scalar * weight
        gradients.add(value.gradients(), weight: weight)
      }
      return (sum, gradients)
    }
    results.withLock { $0[index] = result }
  }
  var (sum, gradients) = (0.0, Gradients())
  for result in results.withLock({ $0 }) {
    guard let result else { continue }
    sum += result.loss
    gradients.add(result.gradients, weight: 1)
  }
  return (sum, gradients)
}
