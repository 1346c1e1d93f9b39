package import Layers
package import Recipes
import Tensors

/// Sparse coefficients of the Walsh–Hadamard transform (QWHA, arXiv 2509.17428, section 4):
/// ΔW = (σ/√out) F H̃.
///
/// F `[out, in]` is zero but for K trained values (`qhft_spectrum.default` `[K]`, zero at first) at drawn places
/// (`qhft_indices_default` i64 `[2, K]`: rows, columns); H̃ = H/in is the inverse transform along the
/// inputs, whose number is 2ᵃ times an order of Paley's matrices (`WalshHadamard`). That of order 12
/// (384, 768, 1536, 3072 inputs) is the reference program's; its others may differ, and then its files mean
/// another transform. The paper's first values for a quantized weight are not offered: bases here are not
/// quantized.
package struct QWHA: RecordsOptions {
  package static let name = "qwha"
  package static let summary = "sparse coefficients of a Walsh–Hadamard transform (QWHA)"
  package static let options: OptionTable = [
    .rank(8),
    Option(
      "n_coefficients", .integer, default: .described("r (in + out), as many as LoRA's"),
      range: .atLeast(1), aliases: ["K"], "Trained coefficients of a weight."),
    Option("scaling", .number, default: 150, range: .above(0), "Factor σ of the update."),
    Option(
      "random_seed", .integer, default: .described("the seed of the run"), range: .atLeast(0),
      "Seed of the coefficients' places."),
  ]
  package static let peftType = "QWHA"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable, .zeroStart]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let count: Int?
  private let scaling: Double
  private let seed: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    count = options.optionalInt("n_coefficients")
    scaling = options.number("scaling")
    seed = options.optionalInt("random_seed")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, columns, count) = (
      target.rows.count, target.inputs, trainableCount(for: target)
    )
    func refuse(_ reason: String) -> AdapterError {
      .unsupported(module: target.site.path, method: Self.name, reason: reason)
    }
    guard let transform = WalshHadamard(size: columns) else {
      throw refuse(
        "no Hadamard matrix is known for \(columns) inputs. Leave the module out of target_modules")
    }
    guard count <= rows * columns else {
      throw refuse(
        "\(count) coefficients of a weight that has \(rows * columns). Lower n_coefficients or r")
    }
    let drawn = Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: "qwha"))
    let places = SparsePositions.random(
      count: count, rows: rows, columns: columns, seed: seed ?? drawn
    ).sorted()
    let indices = places.map { Int64($0 / columns) } + places.map { Int64($0 % columns) }
    return QWHADelta(
      spectrum: target.parameter("qhft_spectrum.default", [count], .zeros),
      indices: target.buffer("qhft_indices_default", Tensor(indices, shape: [2, count])),
      transform: transform,
      scaling: scaling / Double(rows).squareRoot() / Double(columns))
  }

  /// n_coefficients, or r (in + out).
  package func trainableCount(for target: AdapterTarget) -> Int {
    count ?? target.rank * (target.rows.count + target.inputs)
  }
}

private struct QWHADelta: WeightDelta {
  let spectrum: Parameter
  let indices: Parameter
  let transform: WalshHadamard
  let scaling: Double

  var parameters: [Parameter] { [spectrum] }
  var buffers: [Parameter] { [indices] }

  func delta(_ layer: SiteRows) -> Tensor {
    let coefficients = SparseDelta(values: spectrum, indices: indices).delta(layer)
    return transform(coefficients).scaled(by: scaling)
  }
}
