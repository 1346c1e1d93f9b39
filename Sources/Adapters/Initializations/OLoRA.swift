import Layers
package import Recipes
import Tensors

/// Orthonormal start (arXiv 2406.01775): W = Q R, B = Q[:, :r] `[out, r]`, A = R[:r] `[r, in]`, and
/// W − s B A in place of W.
///
/// As PEFT 0.21.2 does it: the subtracted product is multiplied by the scaling s.
package struct OLoRA: AdapterInitialization {
  package static let name = "olora"
  package static let summary = "the first columns of the weight's QR factorization"
  package static let options: OptionTable = []
  package static let needs = CalibrationNeed.weights

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    try targets.map { target in
      try target.requireRank(target.rank, method: Self.name)
      let parts = target.layer.weight.orthogonalTriangular()
      return target.starting(
        LowRankStart(
          down: parts.r.sliced(axis: 0, 0..<target.rank),
          up: parts.q.sliced(axis: 1, 0..<target.rank), isOffset: true))
    }
  }
}
