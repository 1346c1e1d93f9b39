package import Layers
package import Recipes
import Tensors

/// Scale and shift of singular values (S-SAM, arXiv 2408.06447, section 2).
///
/// With W = U diag(σ) Vᵀ, W' = U diag(relu(a ∘ σ + c)) Vᵀ, a and c `[k]`, 1 and 0 at first. With
/// `fraction_trainable` below 1 only the leading values have them and the rest stays as it is; the
/// reference adds 1 to the rest there. Regularizer: ‖1 − a‖ + ‖c‖, weighed by `reg`.
package struct SSAM: RecordsOptions {
  package static let name = "s-sam"
  package static let summary = "scales and shifts the singular values of a weight"
  package static let options: OptionTable = [
    Option(
      "fraction_trainable", .number, default: 1, range: .within(0...1),
      "Part of the singular values that are changed, rounded down, at least one."),
    Option(
      "reg", .number, default: 0, range: .atLeast(0), "Weight of the regularizer in the loss."),
  ]
  package static let peftType = "S_SAM"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  private let fraction: Double
  private let weight: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    fraction = options.number("fraction_trainable")
    weight = options.number("reg")
  }

  private func count(_ target: AdapterTarget) -> Int {
    max(1, Int(Double(SpectralFactors.count(target)) * fraction))
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    let factors = SpectralFactors(target)
    return SSAMMap(
      factors: factors,
      scaling: SpectralScaling(
        target, factors, count: count(target), names: ("trainable_scale", "trainable_shift")),
      weight: weight)
  }

  /// 2 for each changed value.
  package func trainableCount(for target: AdapterTarget) -> Int { 2 * count(target) }
}

private struct SSAMMap: WeightMap, Regularized {
  let factors: SpectralFactors
  let scaling: SpectralScaling
  let weight: Double

  var parameters: [Parameter] { scaling.parameters }
  var buffers: [Parameter] { factors.buffers }

  /// relu(a ∘ σ + c) − σ.
  private var change: Tensor { scaling().relu() - scaling.singularValues }

  /// W + U diag(relu(a ∘ σ + c) − σ) Vᵀ, so that no rounding moves the start away from W.
  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    base + factors.matrix(diagonal: change, block: nil)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    factors.output(x, of: layer, diagonal: change, block: nil, context: context)
  }

  func regularizer(_ layer: SiteRows) -> Tensor {
    let scale = scaling.scale()
    let ones = Tensor(filledWith: 1, shape: scale.shape, dtype: scale.dtype)
    return (ones - scale).norm() + scaling.shift().norm()
  }

  func penalty(_ layer: SiteRows) -> Tensor? {
    weight > 0 ? regularizer(layer).scaled(by: weight) : nil
  }
}
