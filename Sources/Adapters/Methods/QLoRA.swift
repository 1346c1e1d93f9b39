package import Layers
package import Recipes
import Tensors

/// Low-rank adaptation beside a base weight of few bits (QLoRA, arXiv 2305.14314, equation 5):
/// W' = dequant(quant(W)) + s B A, s = α/r.
///
/// `quant_type` `nf4` keeps the weight of every target as `NormalFloat`, 4.127 bits a value, `int8` as
/// `RowInteger`. The weight in full is dropped where the adapter is attached, and made anew for the product
/// of each pass and again on the way back, so that it is never kept. The first output is that of the
/// quantized weight. Merging adds the update to the dequantized weight in full precision.
package struct QLoRA: RecordsOptions {
  package static let name = "qlora"
  package static let summary = "LoRA beside a base weight in 4 or 8 bits (QLoRA)"
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "quant_type", .choice(Form.self), default: "nf4", aliases: ["bnb_4bit_quant_type"],
      "How base weights are kept: nf4 (blocks of 64, scales in 8 bits) or int8 (a scale a row).")
  ])
  package static let peftType = "QLORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .groups, .mergeable, .readsBase,
  ]

  /// How a weight is kept.
  package enum Form: String, CaseIterable, Sendable {
    case nf4, int8

    func isForm(of compact: (any CompactValue)?) -> Bool {
      switch self {
      case .nf4: compact is NormalFloat
      case .int8: compact is RowInteger
      }
    }

    func compact(_ weight: Tensor) -> any CompactValue {
      switch self {
      case .nf4: NormalFloat(weight)
      case .int8: RowInteger(weight)
      }
    }
  }

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let form: Form

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    form = options.choice("quant_type", as: Form.self)
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try LoRA.checkGroups(target)
    let weight = target.site.weight
    // One that is kept so already, by an adapter that was taken off, stays as it is.
    if !form.isForm(of: weight.compact) { weight.keep(form.compact(weight.value)) }
    return QuantizedBase(pair: LoRADelta(target))
  }

  /// r (in·kernel/groups + rows/groups).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * target.site.inputs + target.rows.count * target.rank / target.site.groupCount
  }
}

/// The pair beside a weight that is made anew in every pass.
private struct QuantizedBase: WeightMap {
  let pair: LoRADelta

  var parameters: [Parameter] { pair.parameters }
  var buffers: [Parameter] { pair.buffers }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor { base + pair.delta(layer) }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let change = pair.output(x, of: layer, outputs: layer.rows.count, context: context)
    return layer.remadeProduct(x, context) + change
  }
}

extension SiteRows {
  /// W x + b by a weight that no tape keeps: it is made anew on the way back.
  func remadeProduct(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    guard let compact = site.weight.compact else { return plain(x, context) }
    return remadeProduct(x, context) { compact.tensor([site.outputs, site.inputs]) }
  }

  /// The same by another weight `[rows, in · kernel]`, f32, that `weight` makes.
  func remadeProduct(
    _ x: Tensor, _ context: ForwardContext, _ weight: @escaping @Sendable () -> Tensor
  ) -> Tensor {
    guard site.kind == .linear, x.dtype != .f64 else {
      let layer = self
      return recomputed(x) { x, _ in
        layer.applied(weight().cast(to: x.dtype), bias: layer.bias, to: x)
      }
    }
    let y = remadeLinear(x, precision: context.precision, weight)
    return bias.map { y + $0 } ?? y
  }
}
