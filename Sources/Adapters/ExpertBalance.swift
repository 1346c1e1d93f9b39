import Layers
import Synchronization
import Tensors

/// The balance of experts in one layer (LoRAMoE, arXiv 2312.09979, as its program has it).
///
/// With Q `[samples, experts]` the router's weights summed over the tokens of each sample and c the
/// coefficient of an expert, the loss is λ var(Z) / (mean(Z)² + 10⁻¹⁰), Z = Q c, over all entries, the
/// variance with n − 1. It is about the samples of one pass, which therefore has the whole batch.
final class ExpertBalance: Sendable {
  private let weight: Double
  private let coefficients: [Double]
  private let latest = Mutex<Tensor?>(nil)

  /// λ, and c by expert.
  init(weight: Double, coefficients: [Double]) {
    self.weight = weight
    self.coefficients = coefficients
  }

  /// Takes the weights `[..., experts]` of a training pass in, whose samples lie along the first axis.
  func record(_ weights: Tensor, _ context: ForwardContext) {
    guard weight > 0, !context.isRecomputing, let samples = context.stream(site: 0)?.sampleCount
    else { return }
    let experts = coefficients.count
    let sums = weights.reshaped(to: [samples, -1, experts]).summed(over: [1])
      .reshaped(to: [samples, experts])
    let loss = Self.variation(sums * Tensor(coefficients, shape: [experts]).cast(to: sums.dtype))
      .scaled(by: weight)
    latest.withLock { $0 = loss }
  }

  /// The loss of the last pass, once.
  func take() -> Tensor? {
    latest.withLock { latest in
      defer { latest = nil }
      return latest
    }
  }

  /// The squared coefficient of variation of all entries of a matrix, a scalar.
  private static func variation(_ z: Tensor) -> Tensor {
    let mean = z.mean()
    let distance = z - mean.reshaped(to: [1, 1]).expanded(to: z.shape)
    let variance = (distance * distance).sum().scaled(by: 1 / Double(max(1, z.elementCount - 1)))
    let square = mean * mean
    return variance
      * (square + Tensor(filledWith: 1e-10, shape: square.shape, dtype: square.dtype))
      .reciprocal()
  }
}
