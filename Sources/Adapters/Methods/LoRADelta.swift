import Layers
import Tensors

/// The trainable pair of one target: ΔW = s B diag(d) A − s B₀ A₀.
///
/// d is there for KaSA alone; A₀ and B₀ are frozen, the part of the weight that an initialization took
/// over.
struct LoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let bias: Parameter?
  let diagonal: Parameter?
  let offset: (down: Parameter, up: Parameter)?
  let scaling: Double
  let dropout: Dropout
  private let kind: AdaptationSite.Kind

  var parameters: [Parameter] { [down, up] + [bias, diagonal].compactMap { $0 } }
  var buffers: [Parameter] { offset.map { [$0.down, $0.up] } ?? [] }
  var inputDropout: Dropout? { dropout }
  var biasDelta: Tensor? { bias?().scaled(by: scaling) }

  /// `taken` is a part of the weight that KaSA leaves out beside what `target.start` takes over.
  init(
    _ target: AdapterTarget, hasBias: Bool = false, hasDiagonal: Bool = false,
    taken: LowRankStart? = nil
  ) {
    let tail = Array(target.site.weight.shape[1...])
    let ones = tail.dropFirst().map { _ in 1 }
    let groups = target.site.groupCount
    kind = target.site.kind
    scaling = target.scaling
    down = target.parameter("lora_A.weight", [target.rank] + tail, .fanIn(target.inputs))
    up = target.parameter(
      "lora_B.weight", [target.rows.count, target.rank / groups] + ones, .zeros)
    bias = hasBias ? target.parameter("lora_B.bias", [target.rows.count], .zeros) : nil
    diagonal =
      hasDiagonal
      ? target.parameter("lora_diag", [target.rank], .normal(standardDeviation: 1)) : nil
    dropout = Dropout(path: target.path(to: "lora_dropout"), probability: target.dropout)
    if let start = target.start {
      down.value = start.down.reshaped(to: down.shape)
      up.value = start.up.reshaped(to: up.shape)
    }
    guard let part = taken ?? target.start, part.isOffset else {
      offset = nil
      return
    }
    func frozen(_ name: String, _ value: Tensor, _ shape: [Int]) -> Parameter {
      let buffer = Parameter(
        path: target.path(to: name), shape: shape, initialization: .zeros, isBuffer: true)
      buffer.value = value.reshaped(to: shape).copied()
      return buffer
    }
    let rank = part.down.shape[0]
    offset = (
      frozen("lora_A0.weight", part.down, [rank] + tail),
      frozen("lora_B0.weight", part.up, [target.rows.count, rank] + ones)
    )
  }

  func factors(_ context: ForwardContext) -> [LowRankFactors]? {
    guard kind == .linear, bias == nil, diagonal == nil, !dropout.drops(context) else { return nil }
    return [LowRankFactors(down: down, up: up, scaling: scaling)]
      + (offset.map { [LowRankFactors(down: $0.down, up: $0.up, scaling: -scaling)] } ?? [])
  }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let shift = bias?().sliced(axis: 0, 0..<outputs).scaled(by: scaling)
    let change = product(dropout(x, context), down(), up(), diagonal?(), shift, outputs)
    guard let offset else { return change }
    return change - product(x, offset.down(), offset.up(), nil, nil, outputs)
  }

  /// s B diag(d) A x + bias.
  private func product(
    _ x: Tensor, _ down: Tensor, _ up: Tensor, _ diagonal: Tensor?, _ bias: Tensor?,
    _ outputs: Int
  ) -> Tensor {
    let leading = up.sliced(axis: 0, 0..<outputs)
    switch kind {
    case .linear:
      let width = x.shape.last ?? 0
      let hidden = linear(x, weight: down.sliced(axis: 1, 0..<width)).scaled(by: scaling)
      return linear(diagonal.map { hidden * $0 } ?? hidden, weight: leading, bias: bias)
    case .convolution(_, let geometry):
      let hidden = convolution(x, weight: down, geometry: geometry).scaled(by: scaling)
      let axes = [1, -1] + [Int](repeating: 1, count: hidden.rank - 2)
      let scaled = diagonal.map { hidden * $0.reshaped(to: axes).expanded(to: hidden.shape) }
      return convolution(
        scaled ?? hidden, weight: leading, bias: bias,
        geometry: ConvolutionGeometry(groups: geometry.groups))
    }
  }

  func delta(_ layer: SiteRows) -> Tensor {
    let groups = layer.site.groupCount
    let change = matrix(down(), up(), diagonal?(), groups: groups)
    guard let offset else { return change }
    return change - matrix(offset.down(), offset.up(), nil, groups: groups)
  }

  private func matrix(
    _ down: Tensor, _ up: Tensor, _ diagonal: Tensor?, groups: Int
  ) -> Tensor {
    var a = down.reshaped(to: [down.shape[0], -1])
    if let diagonal { a = a.rowsScaled(by: diagonal) }
    let b = up.reshaped(to: [up.shape[0], -1])
    let (rank, rows) = (a.shape[0] / groups, b.shape[0] / groups)
    let products = (0..<groups).map { group in
      matrixProduct(
        b.sliced(axis: 0, (group * rows)..<((group + 1) * rows)),
        a.sliced(axis: 0, (group * rank)..<((group + 1) * rank)))
    }
    return Tensor.concatenated(products, axis: 0).scaled(by: scaling)
  }
}
