package import Tensors

/// What a forward pass must know besides its input.
package struct ForwardContext: Sendable {
  /// Random numbers of dropouts while training; nil in evaluation.
  private var randomness: DropoutStream?

  private init(_ randomness: DropoutStream?) { self.randomness = randomness }

  /// No dropout.
  package static let evaluation = ForwardContext(nil)

  /// Training on part of a batch.
  /// - Parameters:
  ///   - seed: seed of the run.
  ///   - step: optimizer step, with the micro batch folded in by the caller.
  ///   - samples: range of this shard in the global batch.
  /// - Returns: a context in which dropouts drop.
  package static func training(seed: UInt64, step: Int, samples: Range<Int>) -> ForwardContext {
    ForwardContext(
      DropoutStream(
        seed: seed, step: step, site: 0, firstSample: samples.lowerBound,
        sampleCount: samples.count))
  }

  package var isTraining: Bool { randomness != nil }

  /// The random numbers for the place with the given number (`pathHash`), nil in evaluation.
  package func stream(site: Int) -> DropoutStream? {
    randomness.map { stream in
      var stream = stream
      stream.site = site
      return stream
    }
  }
}

/// Dropout at a named place of the network.
package struct Dropout: Sendable {
  package let probability: Double
  private let site: Int

  package init(_ scope: Scope, probability: Double) {
    self.init(path: scope.path, probability: probability)
  }

  package init(path: String, probability: Double) {
    self.probability = probability
    site = pathHash(path)
  }

  /// Samples come first in memory.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.dropped(probability: probability, stream: context.stream(site: site))
  }

  /// The same for a value that all samples share, such as a position table.
  package func shared(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.dropped(probability: probability, stream: context.stream(site: site)?.forSharedValue)
  }

  /// Probability and random numbers for an operation that drops inside, nil where nothing drops.
  package func setting(_ context: ForwardContext) -> (probability: Double, stream: DropoutStream)? {
    guard probability > 0, let stream = context.stream(site: site) else { return nil }
    return (probability, stream)
  }
}
