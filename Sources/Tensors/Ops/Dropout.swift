internal import CKernels

/// Which random numbers a dropout draws: they depend on what is dropped, never on threads.
package struct DropoutStream: Sendable {
  /// Seed of the run.
  package var seed: UInt64
  /// Optimizer step.
  package var step: Int
  /// Number of the place in the network, counted along the forward pass.
  package var site: Int
  /// Index in the global batch of the first sample of this shard.
  package var firstSample: Int
  /// Samples in this shard.
  package var sampleCount: Int

  package init(seed: UInt64, step: Int, site: Int, firstSample: Int, sampleCount: Int) {
    self.seed = seed
    self.step = step
    self.site = site
    self.firstSample = firstSample
    self.sampleCount = sampleCount
  }

  /// The same random numbers for every shard, for a value that all samples share.
  package var forSharedValue: DropoutStream {
    var stream = self
    stream.firstSample = 0
    stream.sampleCount = 1
    return stream
  }

  /// The mask for a tensor of this shard's samples, counted from element `start` of the shard.
  func mask(probability: Double, elements: Int, start: Int = 0) -> attune_dropout_mask {
    precondition(
      elements % max(1, sampleCount) == 0, "\(elements) elements of \(sampleCount) samples")
    return attune_dropout_mask(
      threshold: UInt32(min(probability * 4_294_967_296, 4_294_967_295)),
      key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
      stream: (UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: site) | 1 << 31),
      offset: UInt64(firstSample * (elements / max(1, sampleCount)) + start),
      scale: 1 / (1 - probability))
  }
}

extension Tensor {
  /// Inverted dropout (Srivastava 2014): zero with the given probability, else divided by 1 − p.
  ///
  /// Samples come first in memory. A nil stream (evaluation) or probability 0 changes nothing.
  package func dropped(probability: Double, stream: DropoutStream?) -> Tensor {
    guard probability > 0, let stream else { return self }
    precondition(probability < 1, "dropout probability \(probability)")
    let result = Tensor(uninitialized: shape, dtype: dtype)
    var mask = stream.mask(probability: probability, elements: elementCount)
    kernels(dtype).dropout(pointer, result.pointer, elementCount, &mask)
    return result.recorded(from: [self]) { [$0.dropped(probability: probability, stream: stream)] }
  }
}
