import Layers
import Tensors

/// ΔW = s B R A of one target with a trained R between frozen factors (LoRA-XS, LoRA-SB).
///
/// R is `default_lora_latent_mapping.weight` `[r, r]`, A `lora_A.default.weight` `[r, in · kernel]`, B
/// `lora_B.default.weight` `[out, r]`. The factors are saved with R, which means nothing in another
/// basis.
struct LatentDelta: WeightDelta {
  let latent: Parameter
  let down: Parameter
  let up: Parameter
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [latent] }
  var buffers: [Parameter] { [down, up] }
  var inputDropout: Dropout? { dropout }

  /// `start` is R's; `down` makes A where no file gives it, `up` makes B.
  init(
    _ target: AdapterTarget, start: Initialization, down: @escaping @Sendable () -> Tensor,
    up: @escaping @Sendable () -> Tensor
  ) {
    let rank = target.rank
    latent = target.parameter("default_lora_latent_mapping.weight", [rank, rank], start)
    self.down = Parameter(
      path: target.path(to: "lora_A.default.weight"), shape: [rank, target.inputs], computed: down)
    self.up = Parameter(
      path: target.path(to: "lora_B.default.weight"), shape: [target.rows.count, rank],
      computed: up)
    scaling = target.scaling
    dropout = target.inputDropout
  }

  func delta(_ layer: SiteRows) -> Tensor {
    matrixProduct(up.value, matrixProduct(latent().scaled(by: scaling), down.value))
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let input = dropout(x, context)
    guard layer.site.kind == .linear else {
      return layer.applied(delta(layer), bias: nil, to: input, outputs: outputs)
    }
    let a = down.value.sliced(axis: 1, 0..<(x.shape.last ?? 0))
    let hidden = linear(linear(input, weight: a), weight: latent().scaled(by: scaling))
    return linear(hidden, weight: up.value.sliced(axis: 0, 0..<outputs))
  }
}
