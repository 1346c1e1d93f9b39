package import Layers
package import Recipes
import Tensors

/// Low-rank pairs with weights of few bits (arXiv 2307.16867, section 4.3).
///
/// W' = W + s Q(B) Q(A), A `[r, in]`, B `[out, r]`, quantized as in `OneBit`; in the reference on the
/// rows of queries and of values of a fused matrix (`attn.qkv[q,v]`). B starts normal with deviation
/// 0.001, cut off at twice that: the start is not the frozen model.
package struct OneBitLoRA: RecordsOptions {
  package static let name = "one-bit-lora"
  package static let summary = "low-rank update whose factors have 1, 2, 4 or 8 bits"
  package static let options: OptionTable = [
    Option("r", .integer, default: 8, range: .atLeast(1), aliases: ["rank"], "Rank of the update."),
    OneBit.bitsOption,
    Option("scale", .number, default: 1, "Factor s of the update."),
  ]
  package static let peftType = "ONE_BIT_LORA"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable]
  package static let detachedGradients = QuantizedMap.names

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let book: CodeBook
  private let scale: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(rank: max(1, options.int("r")))
    book = CodeBook(bits: options.bits(diagnostics))
    scale = options.number("scale")
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    OneBitDelta(
      weights: QuantizedMap(
        inputs: target.inputs, hidden: target.rank, outputs: target.rows.count, book
      ) {
        Parameter(
          path: target.path(beside: "lora_\(target.partName).\($0)"), shape: $1,
          initialization: $2)
      }, scale: scale)
  }

  /// r (in + rows).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count)
  }
}

extension AdapterTarget {
  /// What tells the target from others beside its module: the rows' name in a fused matrix, or the
  /// module's own with the numbers of the rows.
  fileprivate var partName: String {
    let leaf = site.path.split(separator: ".").last.map(String.init) ?? ""
    if isWhole { return leaf }
    return site.rowNames.first { $0.rows == rows }?.name
      ?? "\(leaf)[\(rows.lowerBound):\(rows.upperBound)]"
  }
}

private struct OneBitDelta: WeightDelta {
  let weights: QuantizedMap
  let scale: Double

  var parameters: [Parameter] { weights.parameters }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(weights.quantizedUp, weights.quantizedDown).scaled(by: scale)
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let down = weights.quantizedDown.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let up = weights.quantizedUp.sliced(axis: 0, 0..<outputs)
    return linear(linear(x, weight: down).scaled(by: scale), weight: up)
  }
}
