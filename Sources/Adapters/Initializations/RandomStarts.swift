import Layers
package import Recipes
import Tensors

/// A normal with deviation 1/r, B zero (PEFT 0.21.2: `init_lora_weights="gaussian"`).
package struct GaussianStart: AdapterInitialization {
  package static let name = "gaussian"
  package static let summary = "A normal with deviation 1/r, B zero"
  package static let options: OptionTable = []
  package static let needs = CalibrationNeed.weights

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) -> [AdapterTarget] {
    targets.map { target in
      let down = drawn(target, plan.seed, "gaussian_A", [target.rank, target.inputs])
      return target.starting(
        LowRankStart(
          down: down.scaled(by: 1 / Double(target.rank)),
          up: Tensor(zeros: [target.rows.count, target.rank / target.site.groupCount]),
          isOffset: false))
    }
  }
}

/// A and B of orthogonal row spaces, B A = 0 (PEFT 0.21.2: `init_lora_weights="orthogonal"`): Q from
/// the QR of a normal r × r matrix, Q₁ its even and Q₂ its odd rows; A = (G₁ Q₁)ᵀ/10 with G₁
/// `[in, r/2]` normal and B = G₂ Q₂/10 with G₂ `[out, r/2]`.
package struct OrthogonalStart: AdapterInitialization {
  package static let name = "orthogonal"
  package static let summary = "A and B both drawn, with B A = 0; the rank must be even"
  package static let options: OptionTable = []
  package static let needs = CalibrationNeed.weights

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {}

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    try targets.map { target in
      let rank = target.rank
      guard rank % 2 == 0, target.site.groupCount == 1 else {
        throw AdapterError.unsupported(
          module: target.site.path, method: Self.name,
          reason: "it needs an even rank and a layer without groups, found rank \(rank). Choose "
            + "another adapter.r or init")
      }
      let q = drawn(target, plan.seed, "orthogonal_Q", [rank, rank]).orthogonalTriangular().q
      func half(_ first: Int) -> Tensor {
        Tensor.concatenated(
          stride(from: first, to: rank, by: 2).map { q.sliced(axis: 0, $0..<($0 + 1)) }, axis: 0)
      }
      let left = drawn(target, plan.seed, "orthogonal_A", [target.inputs, rank / 2])
      let right = drawn(target, plan.seed, "orthogonal_B", [target.rows.count, rank / 2])
      return target.starting(
        LowRankStart(
          down: matrixProduct(left, half(0)).scaled(by: 0.1).permuted([1, 0]),
          up: matrixProduct(right, half(1)).scaled(by: 0.1), isOffset: false))
    }
  }
}

/// Standard normal numbers that depend on the target and the name alone.
private func drawn(
  _ target: AdapterTarget, _ seed: UInt64, _ name: String, _ shape: [Int]
) -> Tensor {
  let values = target.parameter(name, shape, .normal(standardDeviation: 1))
  values.initialize(seed: seed)
  return values.value
}
