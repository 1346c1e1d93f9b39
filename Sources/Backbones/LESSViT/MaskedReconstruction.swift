package import Tensors

/// The reconstruction loss of Hyper-MAE (less-vit.md, sections 9.3 and 13.6).
package struct MaskedReconstruction: Sendable {
  /// How a pixel's error is measured.
  package enum Measure: String, Sendable {
    case squared
    case absolute = "l1"
  }

  package var measure: Measure
  /// The last channels, judged apart from the others.
  package var radarChannels: Int
  /// Whether pixels whose target is exactly 0 are no data and do not count.
  package var ignoresZeroTargets: Bool

  package init(measure: Measure, radarChannels: Int, ignoresZeroTargets: Bool) {
    self.measure = measure
    self.radarChannels = radarChannels
    self.ignoresZeroTargets = ignoresZeroTargets
  }

  /// The mean over groups of channels of the error at masked positions, over all their channels,
  /// plus the same of the error in masked channels, over all positions.
  ///
  /// - Parameters:
  ///   - prediction: `[batch, channel, position, pixel]`.
  ///   - target: the same shape.
  ///   - positionMask: `[batch, position]`, 1 where masked.
  ///   - channelMask: `[batch, channel]`, 1 where masked.
  /// - Returns: a scalar; a term whose mask is empty is left out.
  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, positionMask: Tensor, channelMask: Tensor
  ) -> Tensor {
    let (batch, channels, positions) = (target.shape[0], target.shape[1], target.shape[2])
    var (errors, positionMask, channelMask) = (
      error(prediction - target), positionMask, channelMask
    )
    if ignoresZeroTargets {
      let valid = target.nonzero()
      let counts = valid.averaged(over: [3]).scaled(by: Double(target.shape[3]))
      errors = (errors * valid).summed(over: [3]) * counts.reciprocal(adding: 1e-8)
      let patches = counts.reshaped(to: [batch, channels, positions])
      positionMask =
        positionMask * patches.summed(over: [1]).nonzero().reshaped(to: [batch, positions])
      channelMask =
        channelMask * patches.summed(over: [2]).nonzero().reshaped(to: [batch, channels])
    } else {
      errors = errors.averaged(over: [3])
    }
    errors = errors.reshaped(to: [batch, channels, positions])
    let split = channels - radarChannels
    let groups = [0..<split, split..<channels].filter { !$0.isEmpty }
    let byPosition = groups.compactMap { group in
      masked(
        errors.sliced(axis: 1, group).averaged(over: [1]).reshaped(to: [batch, positions]),
        positionMask)
    }
    let byChannel = groups.compactMap { group in
      masked(
        errors.sliced(axis: 1, group).averaged(over: [2]).reshaped(to: [batch, group.count]),
        channelMask.sliced(axis: 1, group))
    }
    let terms = [byPosition, byChannel].filter { !$0.isEmpty }.map(mean)
    guard let first = terms.first else { return prediction.sum().scaled(by: 0) }
    return terms.dropFirst().reduce(first) { $0 + $1 }
  }

  private func mean(_ terms: [Tensor]) -> Tensor {
    terms.dropFirst().reduce(terms[0]) { $0 + $1 }.scaled(by: 1 / Double(terms.count))
  }

  private func error(_ difference: Tensor) -> Tensor {
    switch measure {
    case .squared: difference * difference
    // A slope of −1 makes the leaky ReLU |x|.
    case .absolute: difference.leakyReLU(slope: -1)
    }
  }

  /// The mean of what the mask chooses, nil where it chooses nothing.
  private func masked(_ errors: Tensor, _ mask: Tensor) -> Tensor? {
    let count = mask.sum().scalar
    return count > 0 ? (errors * mask).sum().scaled(by: 1 / count) : nil
  }
}
