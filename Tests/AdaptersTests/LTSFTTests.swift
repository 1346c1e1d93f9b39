import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LT-SFT")
struct LTSFTTests {
  @Test("trains the entries of all targets that full training moves most, from where they were")
  func choice() throws {
    let builder = ModelBuilder()
    let layers = (0..<3).map {
      Linear(builder.root / "blocks" / $0 / "fc", inputs: 4, outputs: 3)
    }
    builder.tree.initialize(seed: 1)
    let before = builder.tree.parameters.map(\.value.bits)
    // 36 entries, of which the share is 6; the last layer moves too little for any.
    let moves: [[Float]] = [
      [0, 0.5, 0, -0.9, 0.1, 0, 0, 0, 0.2, 0, 0, 0],
      [0.3, 0, 0, 0, 0.25, 0, -0.4, 0, 0, 0, 0, 0.35],
      [0.01, -0.02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    let probe = MovingProbe(
      parameters: builder.tree.parameters,
      moves: zip(layers, moves).map { ($0.site.weight, Tensor($1, shape: [3, 4])) })
    var settings = AdapterSettings(name: "test", method: "lt-sft")
    settings.targets = [try Pattern("fc")]
    let adapter = try AttachedAdapter(
      settings,
      method: try LTSFT.made([
        ("density", .number(1.0 / 6)), ("tune_steps", 7), ("tune_lr", .number(0.5)),
      ]), on: builder.tree, defaults: [], seed: 0, probe: probe)
    #expect(adapter.modules.map(\.target.site.path) == ["blocks.0.fc", "blocks.1.fc"])
    #expect(adapter.buffers.map(\.value.integers) == [[1, 3], [0, 4, 6, 11]])
    #expect(adapter.parameters.map(\.shape) == [[2], [4]])
    #expect(builder.tree.parameters.map(\.value.bits) == before, "everything is brought back")
    adapter.parameters[0].value = Tensor([2, -3] as [Float], shape: [2])
    let site = layers[0].site
    let change = (try site.merged().weight - site.weight.value).doubles
    for (place, value) in change.enumerated() {
      #expect(abs(value - (place == 1 ? 2 : place == 3 ? -3 : 0)) < 1e-6)
    }
  }

  @Test("gives every target its share where there is nothing to look at")
  func described() throws {
    let layers = try SmallLayers(LTSFT.self, [("density", .number(0.25))], count: 2)
    #expect(layers.adapter.parameters.map(\.shape) == [[24], [24]])
    #expect(layers.adapter.modules.map(\.target.rank) == [24, 24])
  }
}

/// A model whose full training adds known values to some weights, once it is asked for seven steps at rate ½.
private struct MovingProbe: CalibrationProbe {
  let parameters: [Parameter]
  let moves: [(parameter: Parameter, move: Tensor)]
  var count: Int { 1 }

  func gradients(sample: Int) -> Gradients { Gradients() }

  func inputs(
    samples: Range<Int>, _ show: @escaping @Sendable (_ path: String, _ input: Tensor) -> Void
  ) {}

  func fineTune(steps: Int, learningRate: Double) {
    guard steps == 7, learningRate == 0.5 else { return }
    for item in moves { item.parameter.value = item.parameter.value + item.move }
  }
}
