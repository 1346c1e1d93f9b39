package import Tensors

/// Batch normalization over `[batch, channels, ...]` with running statistics.
///
/// While training it uses the moments of the batch and moves the running ones towards them, the
/// variance unbiased, unless the context says otherwise. Layout and names are PyTorch's.
package struct BatchNorm: Sendable {
  package let weight: Parameter
  package let bias: Parameter
  package let runningMean: Parameter
  package let runningVariance: Parameter
  private let batches: Parameter?
  private let epsilon: Double
  private let momentum: Double

  /// Parameters `weight`, `bias`, buffers `running_mean`, `running_var` `[channels]` and
  /// `num_batches_tracked`.
  package init(_ scope: Scope, channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1) {
    weight = scope.parameter("weight", shape: [channels], .ones)
    bias = scope.parameter("bias", shape: [channels], .zeros)
    runningMean = scope.buffer("running_mean", shape: [channels], .zeros)
    runningVariance = scope.buffer("running_var", shape: [channels], .ones)
    batches = scope.buffer("num_batches_tracked", shape: [], dtype: .i64, .zeros)
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// With values that belong to no tree, all `[channels]`; batches are not counted.
  package init(
    weight: Parameter, bias: Parameter, runningMean: Parameter, runningVariance: Parameter,
    epsilon: Double = 1e-5, momentum: Double = 0.1
  ) {
    self.weight = weight
    self.bias = bias
    self.runningMean = runningMean
    self.runningVariance = runningVariance
    batches = nil
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// From `[batch, channels, ...]` to the same shape.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let moments: ChannelMoments
    if context.usesBatchStatistics {
      moments = ChannelMoments(of: x)
      if !context.isRecomputing { record(moments) }
    } else {
      moments = ChannelMoments(
        mean: runningMean.value.cast(to: .f64).elements(),
        variance: runningVariance.value.cast(to: .f64).elements(), count: 1)
    }
    return batchNorm(
      x, moments: moments, areOfBatch: context.usesBatchStatistics, weight: weight(),
      bias: bias(), epsilon: epsilon)
  }

  private func record(_ moments: ChannelMoments) {
    let unbiased = Double(moments.count) / Double(max(1, moments.count - 1))
    func moved(_ parameter: Parameter, _ values: [Double]) {
      let old: [Double] = parameter.value.cast(to: .f64).elements()
      parameter.value = Tensor(
        zip(old, values).map { (1 - momentum) * $0 + momentum * $1 }, shape: [values.count]
      ).cast(to: parameter.dtype)
    }
    moved(runningMean, moments.mean)
    moved(runningVariance, moments.variance.map { $0 * unbiased })
    guard let batches else { return }
    batches.value = Tensor(batches.value.elements(as: Int64.self).map { $0 + 1 }, shape: [])
  }
}
