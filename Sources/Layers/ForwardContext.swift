package import Tensors

/// Neighboring samples of a batch for which one adapter of a bank holds.
package struct AdapterSegment: Sendable, Equatable {
  /// Nil for the base alone.
  package let adapter: String?
  package let samples: Int

  package init(adapter: String?, samples: Int) {
    self.adapter = adapter
    self.samples = samples
  }
}

/// What a forward pass must know besides its input.
package struct ForwardContext: Sendable {
  /// Random numbers of dropouts while training; nil in evaluation.
  private var randomness: DropoutStream?
  /// Seed and samples of what is drawn in evaluation too, such as masks.
  private var drawing: DropoutStream
  /// Values that stand in for drawn ones, by path.
  private var given: [String: Tensor] = [:]
  private var observer: (@Sendable (_ path: String, _ value: Tensor) -> Void)?
  private var inputObserver: (@Sendable (_ path: String, _ input: Tensor) -> Void)?
  /// Whether batch norms use and record the statistics of the batch.
  package private(set) var usesBatchStatistics: Bool
  /// What frozen products and the activations between them are stored in.
  package var precision = Precision.fp32
  /// Which adapter of a bank holds for which samples, in their order; empty where none does.
  package var adapterSegments: [AdapterSegment] = []
  /// The adapter of a bank that holds for all samples; nil for none.
  package var activeAdapter: String?
  /// Where the tokens of a block's stream lie; nil outside of transformers.
  package var tokens: TokenLayout?
  /// Whether blocks keep only their input and are computed again on the way back.
  package var checkpointsActivations = false
  /// Whether a block is computed again: running statistics were already recorded.
  package private(set) var isRecomputing = false

  private init(_ randomness: DropoutStream?, drawing: DropoutStream) {
    self.randomness = randomness
    self.drawing = drawing
    usesBatchStatistics = randomness != nil
  }

  /// No dropout, running statistics.
  package static let evaluation = evaluation(seed: 0, samples: 0..<1)

  /// The same, with the seed and samples that masks are drawn for.
  package static func evaluation(seed: UInt64, samples: Range<Int>) -> ForwardContext {
    ForwardContext(
      nil,
      drawing: DropoutStream(
        seed: seed, step: 0, site: 0, firstSample: samples.lowerBound,
        sampleCount: samples.count))
  }

  /// Training on part of a batch.
  /// - Parameters:
  ///   - seed: seed of the run.
  ///   - step: optimizer step, with the micro batch folded in by the caller.
  ///   - samples: range of this shard in the global batch.
  /// - Returns: a context in which dropouts drop.
  package static func training(seed: UInt64, step: Int, samples: Range<Int>) -> ForwardContext {
    let stream = DropoutStream(
      seed: seed, step: step, site: 0, firstSample: samples.lowerBound,
      sampleCount: samples.count)
    return ForwardContext(stream, drawing: stream)
  }

  package var isTraining: Bool { randomness != nil }

  /// The same with batch norms in the given mode.
  package func usingBatchStatistics(_ isOn: Bool) -> ForwardContext {
    var context = self
    context.usesBatchStatistics = isOn
    return context
  }

  /// The same with values that `uniform` gives instead of drawing, by path.
  package func drawing(_ given: [String: Tensor]) -> ForwardContext {
    var context = self
    context.given.merge(given) { $1 }
    return context
  }

  /// The same with a look at intermediate values: `observer` is called with the output of every
  /// linear layer, convolution and other named place, by path.
  package func observing(
    _ observer: @escaping @Sendable (_ path: String, _ value: Tensor) -> Void
  ) -> ForwardContext {
    var context = self
    context.observer = observer
    return context
  }

  /// The same with a look at what enters linear layers and convolutions: `observer` is called with the
  /// path of the layer and its input.
  package func observingInputs(
    _ observer: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) -> ForwardContext {
    var context = self
    context.inputObserver = observer
    return context
  }

  /// Shows what enters a layer, once per forward pass.
  func observeInput(_ path: String, _ input: Tensor) {
    guard let inputObserver, !isRecomputing else { return }
    inputObserver(path, input.dtype == .bf16 ? input.cast(to: .f32) : input.detached())
  }

  /// Shows an intermediate value to the observer, once per forward pass.
  package func observe(_ path: @autoclosure () -> String, _ value: Tensor) {
    guard let observer, !isRecomputing else { return }
    observer(path(), value.dtype == .bf16 ? value.cast(to: .f32) : value.detached())
  }

  /// Whether somebody looks: operations then show their parts.
  package var isObserved: Bool { observer != nil }

  /// The type of activations that go from one operation of a block to the next, given that of the
  /// residual stream.
  package func innerType(_ stream: Tensor) -> DType {
    precision == .bf16 && stream.dtype == .f32 ? .bf16 : stream.dtype
  }

  /// The random numbers for the place with the given number (`pathHash`), nil in evaluation.
  package func stream(site: Int) -> DropoutStream? {
    randomness.map { stream in
      var stream = stream
      stream.site = site
      return stream
    }
  }

  /// Uniform numbers in [0, 1) for every sample, `[batch, count]` f32, drawn in evaluation too.
  ///
  /// They depend on the seed, the step, the sample's place in the global batch and `path` alone;
  /// `isShared` draws one row for all samples.
  package func uniform(
    _ path: String, batch: Int, count: Int, isShared: Bool = false
  ) -> Tensor {
    if let given = given[path] { return given }
    let seed = drawing.seed ^ (UInt64(pathHash(path)) << 32)
    var values: [Float] = []
    values.reserveCapacity(batch * count)
    for sample in 0..<batch {
      var random = Philox(
        seed: seed, purpose: .masking, step: drawing.step,
        index: isShared ? 0 : drawing.firstSample + sample)
      for _ in 0..<count { values.append(Float(random.next() as UInt32 >> 8) * 0x1p-24) }
    }
    return Tensor(values, shape: [batch, count])
  }

  /// Runs a block, keeping only its input where activations are checkpointed.
  package func block(
    _ x: Tensor, _ body: @escaping @Sendable (Tensor, ForwardContext) -> Tensor
  ) -> Tensor {
    guard checkpointsActivations else { return body(x, self) }
    return recomputed(x) { x, again in
      var context = self
      context.isRecomputing = again
      return body(x, context)
    }
  }
}
