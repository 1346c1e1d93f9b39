package import Layers
package import Recipes
import Tensors

/// Tuning of binary masks on frozen weights (R-AMT, arXiv 2307.15049, section 3.2): W' = W ∘ 1[t > θ].
///
/// `mask` t `[rows, in · kernel]` is `start` at first, above the threshold θ, so that every entry of the
/// weight takes part. The step is passed straight through: ∂L/∂t = ∂L/∂W' ∘ W. Masks have no weight decay,
/// which would take entries away that no gradient asks for. They are saved as the numbers t.
///
/// The paper's gradient dropout is left out: it needs the gradient of a second loss, the divergence from
/// the frozen model's answers, beside that of the task.
package struct RAMT: RecordsOptions {
  package static let name = "r-amt"
  package static let summary =
    "binary masks on frozen weights (R-AMT, without its gradient dropout)"
  package static let options: OptionTable = [
    Option(
      "threshold", .number, default: 5e-3,
      "Number that a mask's value must exceed to keep an entry."
    ),
    Option("start", .number, default: 1e-2, "First value of all masks, above the threshold."),
  ]
  package static let peftType = "R_AMT"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .zeroStart, .readsBase,
  ]
  package static let detachedGradients = ["mask"]

  package let reader: OptionReader
  private let threshold: Double
  private let start: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    threshold = options.number("threshold")
    start = options.number("start")
    if start <= threshold {
      diagnostics.error(
        .rule(
          "start \(start) is not above threshold \(threshold), so that no entry would take part",
          mend: "raise start"),
        at: options.location, path: options.path)
    }
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    MaskMap(
      mask: target.parameter("mask", [target.rows.count, target.inputs], .constant(start)),
      threshold: threshold)
  }

  /// rows · in · kernel.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rows.count * target.inputs
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy { UpdatePolicy(decays: false) }
}

private struct MaskMap: WeightMap {
  let mask: Parameter
  let threshold: Double

  var parameters: [Parameter] { [mask] }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let values = mask()
    let kept = values.detached().cast(to: .f64).elements(as: Double.self)
      .map { $0 > threshold ? 1.0 : 0 }
    // The difference is zero to the bit, and has the gradient of the identity.
    return base * Tensor(kept, shape: values.shape).cast(to: base.dtype)
      + base * (values - values.detached())
  }
}
