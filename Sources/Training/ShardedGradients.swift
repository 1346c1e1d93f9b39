import Dispatch
package import Layers
import Synchronization
package import Tensors

/// Samples with their identifiers, stacked along the first axis of every field.
package struct Batch: Sendable {
  package let identifiers: [String]
  /// Field name to values, first axis the sample.
  package var fields: [String: Tensor]
  /// Identifiers of the batch that this one is a part of, where ranks share it.
  package var whole: [String]
  /// Index of its first sample in the whole.
  package var first = 0
  /// What samples must know of the whole batch: sums over this part, by the name of the field in
  /// which every sample of the whole gets an equal share of the whole's sum.
  package var sums: [String: Double] = [:]

  package init(identifiers: [String], fields: [String: Tensor]) {
    self.identifiers = identifiers
    self.fields = fields
    whole = identifiers
  }

  /// Gives every sample its share of the whole's sums; one that is not a number is left out.
  package mutating func spread(_ sums: [String: Double]) {
    for (name, sum) in sums where !sum.isNaN && count > 0 {
      fields[name] = Tensor(
        [Float](repeating: Float(sum / Double(whole.count)), count: count), shape: [count])
    }
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
/// `exchange` is told of gradients of the last pass as they come.
func shardedGradients(
  _ batch: Batch, threads: Int, samplesPerPass: Int? = nil, seed: UInt64, step: Int,
  firstSample: Int, total: Int, exchange: GradientExchange? = nil, loss: LossFunction
) -> (loss: Double, gradients: Gradients) {
  guard batch.count > 0 else { return (0, Gradients()) }
  let shards = batch.shards(threads)
  exchange?.expect(shards: shards.count)
  let results = Mutex([(loss: Double, gradients: Gradients)?](repeating: nil, count: shards.count))
  DispatchQueue.concurrentPerform(iterations: shards.count) { index in
    let result = Allocator.withLane(index) {
      var (sum, gradients) = (0.0, Gradients())
      let passes = Batch.passes(shards[index], samples: samplesPerPass)
      for range in passes {
        let samples = (firstSample + range.lowerBound)..<(firstSample + range.upperBound)
        let value = loss(
          batch.part(range), .training(seed: seed, step: step, samples: samples))
        let weight = Double(range.count) / Double(total)
        sum += value.scalar * weight
        guard let exchange, range == passes.last else {
          gradients.add(value.gradients(), weight: weight)
          continue
        }
        let before = gradients
        let last = value.gradients { leaf, gradient in
          let scaled = weight == 1 ? gradient : gradient.scaled(by: weight)
          exchange.ready(leaf, before[leaf].map { $0 + scaled } ?? scaled, shard: index)
        }
        gradients.add(last, weight: weight)
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
