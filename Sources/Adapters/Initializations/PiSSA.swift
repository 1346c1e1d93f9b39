import Layers
package import Recipes
import Tensors

/// Principal singular values and vectors (arXiv 2404.02948): W = U Σ Vᵀ, A = √(Σ_r/s) V_rᵀ `[r, in]`,
/// B = U_r √(Σ_r/s) `[out, r]`, and W − s B A in place of W, so that the first output is the base's.
///
/// As PEFT 0.21.2 does it: the singular values are divided by the scaling s.
package struct PiSSA: AdapterInitialization {
  package static let name = "pissa"
  package static let summary = "the largest singular values and vectors of the weight"
  package static let options: OptionTable = []
  package static let needs = CalibrationNeed.weights

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}
  package init() {}

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    try targets.map { target in
      try target.requireRank(target.rank, method: Self.name)
      let parts = target.singularValues()
      return target.starting(
        LowRankStart(
          parts, target.rank, scaling: target.scaling, isLargest: true))
    }
  }
}

extension LowRankStart {
  /// The largest or smallest terms of a decomposition, s B A = their sum.
  init(_ parts: SingularValues, _ rank: Int, scaling: Double, isLargest: Bool) {
    let count = parts.values.shape[0]
    let chosen = isLargest ? 0..<rank : (count - rank)..<count
    let roots = parts.values.sliced(axis: 0, chosen).elements(as: Float.self)
      .map { (max(0, $0) / Float(scaling)).squareRoot() }
    let root = Tensor(roots, shape: [rank])
    self.init(
      down: parts.right.sliced(axis: 0, chosen).rowsScaled(by: root),
      up: parts.left.sliced(axis: 1, chosen) * root, isOffset: true)
  }
}

extension AdapterTarget {
  /// The same with first values.
  func starting(_ start: LowRankStart) -> AdapterTarget {
    var target = self
    target.start = start
    return target
  }
}
