package import Layers
package import Recipes
import Tensors

/// A low-rank update in each band of a wavelet transform of the weight (after WaRA, arXiv 2506.24092):
/// ΔW = s · inverse Haar transform of four matrices B_b A_b, s = α/r.
///
/// The bands follow `WaveFT`: cA, cH, cV, cD are low ⊗ low, high ⊗ low, low ⊗ high, high ⊗ high on
/// rows ⊗ columns, each `[⌈rows/2⌉, ⌈in/2⌉]`. `wara_A` `[4, r, ⌈in/2⌉]` is uniform in ±1/√⌈in/2⌉ at first,
/// `wara_B` `[4, ⌈rows/2⌉, r]` zero. Of odd sizes the last row or column of the transform is cut off.
/// The transform is linear on either side, so that it acts on the factors, and ΔW has rank 4 r at most.
///
/// The paper's second version transforms tokens on their grid, where one shared linear pair is LoRA
/// itself; the form on weights, with a pair for each band, is this project's reading of its abstract.
package struct WaRAWeight: RecordsOptions {
  package static let name = "wara-weight"
  package static let summary =
    "low-rank updates in the four bands of a Haar transform of the weight"
  package static let isExperimental = true
  package static let options = LowRank.options(rank: 4)
  package static let peftType = "WARA_WEIGHT"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable, .zeroStart]

  package let reader: OptionReader
  package let lowRank: LowRank?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, columns) = (half(target.rows.count), half(target.inputs))
    let limit = min(rows, columns)
    guard target.rank <= limit else {
      throw .rankTooLarge(
        module: target.site.path, rank: target.rank, limit: limit, method: Self.name)
    }
    return BandDelta(
      down: target.parameter("wara_A", [4, target.rank, columns], .fanIn(columns)),
      up: target.parameter("wara_B", [4, rows, target.rank], .zeros), scaling: target.scaling,
      dropout: target.inputDropout)
  }

  /// 4 r (⌈rows/2⌉ + ⌈in/2⌉).
  package func trainableCount(for target: AdapterTarget) -> Int {
    4 * target.rank * (half(target.rows.count) + half(target.inputs))
  }

  private func half(_ size: Int) -> Int { (size + 1) / 2 }
}

private struct BandDelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down, up] }
  var inputDropout: Dropout? { dropout }

  /// Whether the bands cA, cH, cV, cD are high along rows, and along columns.
  private static let rowsAreHigh = [false, true, false, true]
  private static let columnsAreHigh = [false, false, true, true]

  /// A of all bands transformed along the inputs, `[4 r, size]`.
  private func wholeDown(_ size: Int) -> Tensor {
    synthesized(down(), Self.columnsAreHigh, size: size)
  }

  /// B of all bands transformed along the outputs, `[4 r, size]`.
  private func wholeUp(_ size: Int) -> Tensor {
    synthesized(up().permuted([0, 2, 1]), Self.rowsAreHigh, size: size)
  }

  /// One axis of the inverse transform: `[4, r, h]` to the leading `size` of `[4 r, 2 h]`.
  private func synthesized(_ factors: Tensor, _ isHigh: [Bool], size: Int) -> Tensor {
    let (rank, half) = (factors.shape[1], factors.shape[2])
    let low = WaveFT.Family.db1.coefficients
    let high = low.indices.map { ($0 % 2 == 0 ? 1 : -1) * low[low.count - 1 - $0] }
    let bands = isHigh.enumerated().map { band, isHigh in
      let taps = Tensor(isHigh ? high : low, shape: [1, 2]).cast(to: factors.dtype)
      let values = factors.sliced(axis: 0, band..<(band + 1)).reshaped(to: [rank * half, 1])
      return matrixProduct(values, taps).reshaped(to: [rank, 2 * half])
    }
    return Tensor.concatenated(bands, axis: 0).sliced(axis: 1, 0..<size)
  }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(
      wholeUp(layer.rows.count).transposed, wholeDown(layer.site.inputs).scaled(by: scaling))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let hidden = linear(dropout(x, context), weight: wholeDown(x.shape.last ?? 0))
    return linear(hidden.scaled(by: scaling), weight: wholeUp(outputs).transposed)
  }
}
