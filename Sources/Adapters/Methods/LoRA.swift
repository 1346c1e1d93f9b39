package import Layers
package import Recipes
import Tensors

/// Low-rank adaptation (arXiv 2106.09685, equation 3): W' = W + s B A with s = α/r.
///
/// A is `[r, in]`, uniform in ±1/√in at first, B is `[out, r]`, zero at first; dropout acts on the
/// adapter's input alone. On a convolution A has the base's kernel, stride, padding, dilation and
/// groups, and B is a 1×1 convolution (as in PEFT, which leaves dilation out).
package struct LoRA: AdapterMethod {
  package static let name = "lora"
  package static let summary = "low-rank update B·A of a linear layer or convolution"
  package static let options = LowRank.options(rank: 8)
  package static let peftType = "LORA"

  package let lowRank: LowRank?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(options)
  }

  package init(_ lowRank: LowRank) { self.lowRank = lowRank }

  package func makeDelta(for target: AdapterTarget) throws(AdapterError) -> any WeightDelta {
    if case .convolution(_, let geometry) = target.site.kind {
      if target.rank % geometry.groups != 0 {
        throw .unsupported(
          module: target.site.path, method: Self.name,
          reason: "rank \(target.rank) is not divisible by the convolution's \(geometry.groups) "
            + "groups. Choose a multiple")
      }
      if !target.isWhole && geometry.groups > 1 {
        throw .unsupported(
          module: target.site.path, method: Self.name,
          reason: "rows of a grouped convolution cannot be adapted alone. Name the whole layer")
      }
    }
    return LoRADelta(target)
  }

  /// r (in·kernel/groups + rows/groups).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * target.site.inputs + target.rows.count * target.rank / target.site.groupCount
  }
}

/// The trainable pair of one target.
private struct LoRADelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let scaling: Double
  let kind: AdaptationSite.Kind
  let dropout: Dropout

  var parameters: [Parameter] { [down, up] }

  init(_ target: AdapterTarget) {
    let tail = Array(target.site.weight.shape[1...])
    kind = target.site.kind
    scaling = target.scaling
    down = Parameter(
      path: target.path(to: "lora_A.weight"), shape: [target.rank] + tail,
      initialization: .fanIn(target.site.inputs))
    up = Parameter(
      path: target.path(to: "lora_B.weight"),
      shape: [target.rows.count, target.rank / target.site.groupCount]
        + tail.dropFirst().map { _ in 1 },
      initialization: .zeros)
    dropout = Dropout(path: target.path(to: "lora_dropout"), probability: target.dropout)
  }

  func factors(_ context: ForwardContext) -> LowRankFactors? {
    guard kind == .linear, !dropout.drops(context) else { return nil }
    return LowRankFactors(down: down, up: up, scaling: scaling)
  }

  func output(_ x: Tensor, outputs: Int, context: ForwardContext) -> Tensor {
    let input = dropout(x, context)
    switch kind {
    case .linear:
      let width = x.shape.last ?? 0
      let hidden = linear(input, weight: down().sliced(axis: 1, 0..<width)).scaled(by: scaling)
      return linear(hidden, weight: up().sliced(axis: 0, 0..<outputs))
    case .convolution(_, let geometry):
      let hidden = convolution(input, weight: down(), geometry: geometry).scaled(by: scaling)
      return convolution(
        hidden, weight: up().sliced(axis: 0, 0..<outputs),
        geometry: ConvolutionGeometry(groups: geometry.groups))
    }
  }

  func materialized() -> Tensor {
    var groups = 1
    if case .convolution(_, let geometry) = kind { groups = geometry.groups }
    let a = down.value.reshaped(to: [down.shape[0], -1])
    let b = up.value.reshaped(to: [up.shape[0], -1])
    let (rank, rows) = (a.shape[0] / groups, b.shape[0] / groups)
    let products = (0..<groups).map { group in
      matrixProduct(
        b.sliced(axis: 0, (group * rows)..<((group + 1) * rows)),
        a.sliced(axis: 0, (group * rank)..<((group + 1) * rank)))
    }
    return Tensor.concatenated(products, axis: 0).scaled(by: scaling)
  }
}

extension AdaptationSite {
  /// Groups of a convolution that do not mix; 1 for a linear layer.
  var groupCount: Int {
    if case .convolution(_, let geometry) = kind { geometry.groups } else { 1 }
  }
}
