package import Tensors

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

  /// Drops whole channels of a sample; `x` is `[batch, channels, ...]` (arXiv 1411.4280, section 3.2).
  package func channels(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    guard let (probability, stream) = setting(context) else { return x }
    let lines = x.shape[0] * x.shape[1]
    let factors = Tensor(filledWith: 1, shape: [lines], dtype: x.dtype)
      .dropped(probability: probability, stream: stream)
    return x.reshaped(to: [1, lines, -1]).affineByChannel(weight: factors, bias: nil)
      .reshaped(to: x.shape)
  }

  /// Whether anything is dropped.
  package func drops(_ context: ForwardContext) -> Bool { setting(context) != nil }

  /// Probability and random numbers for an operation that drops inside, nil where nothing drops.
  package func setting(_ context: ForwardContext) -> (probability: Double, stream: DropoutStream)? {
    guard probability > 0, let stream = context.stream(site: site) else { return nil }
    return (probability, stream)
  }
}

/// Stochastic depth (arXiv 1603.09382): a sample's whole branch is zero with some probability, else
/// divided by the probability of keeping it.
package struct DropPath: Sendable {
  package let probability: Double
  private let site: Int

  /// `name` tells places apart that lie in one scope.
  package init(_ scope: Scope, _ name: String, probability: Double) {
    self.probability = probability
    site = pathHash((scope / name).path)
  }

  /// Rate of block `index` of `count` when rates grow linearly from 0 to `last`.
  package static func linearRate(_ last: Double, block index: Int, of count: Int) -> Double {
    count > 1 ? last * Double(index) / Double(count - 1) : 0
  }

  /// Whether anything is dropped.
  package func drops(_ context: ForwardContext) -> Bool {
    probability > 0 && context.stream(site: site) != nil
  }

  /// `x` is `[batch, ...]`.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    guard probability > 0, let stream = context.stream(site: site) else { return x }
    let ones = Tensor(filledWith: 1, shape: [x.shape[0]], dtype: x.dtype)
    let factors = ones.dropped(probability: probability, stream: stream)
      .reshaped(to: [x.shape[0]] + [Int](repeating: 1, count: x.rank - 1))
    return x * factors.expanded(to: x.shape)
  }
}
