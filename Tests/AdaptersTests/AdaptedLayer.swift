import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

/// One layer or block with an adapter, and an input for it.
struct AdaptedLayer: Sendable {
  let tree: ModuleTree
  let adapter: AttachedAdapter
  let model: AdaptedModel
  let input: Tensor
  /// Output before the adapter was attached.
  let plainOutput: Tensor
  private let forward: @Sendable (Tensor, ForwardContext) -> Tensor

  /// The layer's weight; nil for a block.
  var site: AdaptationSite? { tree.sites.first }

  init(_ wanted: AdapterCase, precision: Precision = .fp32) throws {
    let builder = ModelBuilder()
    let scope = builder.root / "block" / 0 / "layer"
    var pattern = "layer"
    switch wanted.place {
    case .linear, .rows:
      let layer = Linear(
        scope, inputs: 8, outputs: 12, rowNames: [("q", 0..<4), ("k", 4..<8), ("v", 8..<12)])
      if wanted.place == .rows { pattern = "layer[q,v]" }
      input = FiniteDifferences.values([3, 8], seed: 1).cast(to: .f32)
      forward = { layer($0, $1) }
    case .convolution2D:
      let layer = Convolution(
        scope, inputs: 4, outputs: 6, kernel: [3, 3], geometry: .planar(padding: 1))
      input = FiniteDifferences.values([2, 4, 5, 6], seed: 2).cast(to: .f32)
      forward = { layer($0, $1) }
    case .convolution3D:
      let layer = Convolution(
        scope, inputs: 2, outputs: 6, kernel: [3, 3, 3],
        geometry: ConvolutionGeometry(stride: [2, 1, 1], padding: [1, 1, 1]))
      input = FiniteDifferences.values([1, 2, 4, 3, 3], seed: 3).cast(to: .f32)
      forward = { layer($0, $1) }
    case .groupedConvolution:
      let layer = Convolution(
        scope, inputs: 4, outputs: 6, kernel: [3, 3], geometry: .planar(padding: 1, groups: 2))
      input = FiniteDifferences.values([2, 4, 4, 5], seed: 4).cast(to: .f32)
      forward = { layer($0, $1) }
    case .block:
      // Both sublayers, each a multiple of what enters it, so that every branch has an effect.
      let block = scope.block(width: 8)
      input = FiniteDifferences.values([2, 7, 8], seed: 5).cast(to: .f32)
      forward = { x, context in
        let tokens = TokenLayout(prefix: 1, grid: [2, 3])
        let first = block.adapted(
          x.scaled(by: 0.5), .attention, normalized: x.scaled(by: 0.9), stream: x, count: 7, tokens,
          context)
        let middle = x + first
        return middle
          + block.adapted(
            middle.scaled(by: 0.3), .mlp, normalized: middle.scaled(by: 1.1), stream: middle,
            count: 7, tokens, context)
      }
    }
    tree = builder.tree
    tree.initialize(seed: 9)
    for parameter in tree.parameters { parameter.isTrainable = false }
    var context = ForwardContext.evaluation
    context.precision = precision
    let (forward, fixed, input) = (forward, context, input)
    plainOutput = forward(input, fixed)
    var settings = AdapterSettings(name: "test", method: wanted.method.name)
    settings.targets = wanted.place == .block ? [] : [try Pattern(pattern)]
    adapter = try AttachedAdapter(
      settings, method: try wanted.makeMethod(), on: tree, defaults: [], seed: 21,
      probe: LayerProbe(tree: tree, output: { forward(input, $0) }))
    model = AdaptedModel(tree: tree, adapters: [adapter], freezesBackbone: true)
  }

  /// Output for the input, or for another one.
  func output(for other: Tensor? = nil, _ context: ForwardContext = .evaluation) -> Tensor {
    forward(other ?? input, context)
  }

  /// Moves all trainable values away from where they start.
  func perturb() {
    for (index, parameter) in adapter.parameters.enumerated() {
      let moved = FiniteDifferences.values(parameter.shape, seed: 50 + index).scaled(by: 0.5)
      parameter.value = (parameter.value.cast(to: .f64) + moved).cast(to: .f32)
    }
  }

  /// Brings all values to double precision.
  func widen() {
    for parameter in adapter.parameters + adapter.buffers + tree.parameters
    where parameter.dtype == .f32 {
      parameter.value = parameter.value.cast(to: .f64)
    }
  }
}

/// The layer before its adapter, with the sum of squares as the loss of its only sample.
private struct LayerProbe: CalibrationProbe {
  let tree: ModuleTree
  let output: (ForwardContext) -> Tensor
  var count: Int { 1 }
  var parameters: [Parameter] { tree.parameters }

  func gradients(sample: Int) -> Gradients {
    for parameter in parameters { parameter.isTrainable = true }
    defer { for parameter in parameters { parameter.isTrainable = false } }
    let y = output(.evaluation)
    return (y * y).sum().gradients()
  }

  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) { _ = output(.evaluation.observingInputs(show)) }
  func fineTune(steps: Int, learningRate: Double) {}
}
