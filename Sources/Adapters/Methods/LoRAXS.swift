package import Layers
package import Recipes
import Tensors

/// A small trained matrix between the leading singular vectors of the weight (LoRA-XS, arXiv
/// 2405.17604, equation 3): ΔW = s B R A, s = α/r.
///
/// With W = U Σ Vᵀ of the frozen weight, B = U_r `[out, r]` and A = Σ_r V_rᵀ `[r, in · kernel]` are frozen;
/// R `[r, r]` is trained and normal with deviation 10⁻⁵ at first, so that the first output is the
/// frozen model's up to that. The decomposition is exact, where the reference's program approximates it.
package struct LoRAXS: RecordsOptions {
  package static let name = "lora-xs"
  package static let summary = "a trained r × r matrix between frozen singular vectors (LoRA-XS)"
  package static let options = LowRank.options(rank: 16)
  package static let peftType = "LORA_XS"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .rows, .mergeable, .readsBase,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let rank = target.rank
    try target.requireRank(rank, method: Self.name)
    let factors = MadeOnce { target.singularValues() }
    return LatentDelta(target, start: .normal(standardDeviation: 1e-5)) {
      let values = factors.value.values.sliced(axis: 0, 0..<rank)
      return factors.value.right.sliced(axis: 0, 0..<rank).rowsScaled(by: values)
    } up: {
      factors.value.left.sliced(axis: 1, 0..<rank)
    }
  }

  /// r².
  package func trainableCount(for target: AdapterTarget) -> Int { target.rank * target.rank }
}
