package import Layers
package import Recipes
import Tensors

/// A small trained matrix in the plane of full fine-tuning's first step (LoRA-SB, arXiv 2411.19557):
/// ΔW = s B R A, s = α/r.
///
/// B `[out, r]` and A `[r, in · kernel]` are frozen singular vectors of D = −η sign(Σ ∂L/∂W), found on the
/// first `samples` training samples before step 0 (`FirstStep`); R `[r, r]` starts as the singular values
/// over s. The weight is not compensated: the first output is that after the best rank-r part of the step,
/// not the frozen model's. With orthonormal A and B the gradient of R is the projection of the weight's,
/// so that no scaling has to be chosen: s is 1 where `alpha` is left out.
package struct LoRASB: RecordsOptions {
  package static let name = "lora-sb"
  package static let summary =
    "a trained r × r matrix in the plane of the first full step (LoRA-SB)"
  package static let options = LowRank.options(rank: 16).adding([
    Option(
      "eta", .number, default: 1e-4, range: .above(0),
      "Learning rate of the full step that the first values approximate."),
    Option(
      "samples", .integer, default: 170, range: .atLeast(1),
      "Training samples whose gradients give that step."),
  ])
  package static let peftType = "LORA_SB"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let step: FirstStep

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    step = FirstStep(rate: options.number("eta"), samples: options.int("samples"))
  }

  package var ownInitialization: (any AdapterInitialization)? { step }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let (rank, rows, inputs, start) = (
      target.rank, target.rows.count, target.inputs, target.start
    )
    let delta = LatentDelta(target, start: .zeros) {
      start?.down ?? Tensor(zeros: [rank, inputs])
    } up: {
      start?.up ?? Tensor(zeros: [rows, rank])
    }
    if let core = start?.core { delta.latent.value = core }
    return delta
  }

  /// r².
  package func trainableCount(for target: AdapterTarget) -> Int { target.rank * target.rank }
}
