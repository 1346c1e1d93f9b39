import Layers
import Tensors

/// Weight-decomposed low-rank adaptation (arXiv 2402.09353): W' = diag(m/n) (W + s B A).
///
/// n are the row norms of W + s B A, taken as constant on the way back, and m `[out]` is trained, at
/// first the row norms of W. A norm of a convolution is over channels and kernel.
///
/// With dropout the part m/n − 1 of W sees the dropped input as well, as in PEFT 0.21.2.
struct DoRAMap: WeightMap {
  let pair: LoRADelta
  let magnitude: Parameter

  var parameters: [Parameter] { pair.parameters + [magnitude] }
  var buffers: [Parameter] { pair.buffers }

  init(_ target: AdapterTarget) {
    pair = LoRADelta(target)
    let rows = target.rows.count
    let trailing = target.site.weight.shape.count - 2
    magnitude = target.parameter(
      "lora_magnitude_vector",
      trailing == 0 ? [rows] : [1, rows] + [Int](repeating: 1, count: trailing), .ones)
    // The pair's values are drawn later where nothing gives them: reading them now would fix them at 0.
    let weight = target.layer.weight
    let start = target.start == nil ? weight : weight + pair.delta(target.layer)
    magnitude.value = start.detached().rowNorms().reshaped(to: magnitude.shape)
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let sum = base + pair.delta(layer)
    return sum.rowsScaled(by: factors(sum))
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let factor = factors(layer.weight.detached() + pair.delta(layer).detached())
    let plain = layer.product(x, context)
    let change = pair.output(x, of: layer, outputs: layer.rows.count, context: context)
    var y: Tensor
    if pair.dropout.drops(context) {
      let dropped = layer.product(pair.dropout(x, context), context)
      y = plain - dropped + layer.scaled(dropped + change, by: factor)
    } else {
      y = layer.scaled(plain + change, by: factor)
    }
    if let bias = layer.bias { y = layer.shifted(y, by: bias) }
    return y
  }

  /// m/n, `[rows]`.
  private func factors(_ sum: Tensor) -> Tensor {
    magnitude().reshaped(to: [-1]) * sum.detached().rowNorms().reciprocal()
  }
}
