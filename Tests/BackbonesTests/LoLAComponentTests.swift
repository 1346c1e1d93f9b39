import Adapters
import Backbones
import Layers
import Tensors
import TestSupport
import Testing

@Suite("Parts of LoLA-SpecViT", .enabled(if: Shared.isPresent, "../shared is absent"))
struct LoLAComponentTests {
  /// The reference's keys of a whole model; a part stands at `place` in it.
  private static func key(_ path: String, below place: String) -> String {
    let builder = ModelBuilder()
    let model = LoLASpecViT(
      LoLASpecViTConfiguration(
        dim: 16, depths: [1], heads: [1], windows: [1], mlpRatio: 1, spatialSize: 2, classes: nil),
      in: builder.root)
    return String(model.layouts[0].key(of: path).dropFirst(place.count + 1))
  }

  /// Runs a part with the case's weights and compares all that is stored.
  ///
  /// `make` builds the part in a scope at `place`, from which on the case's keys count; with
  /// `isAdapted` its layers get the reference's adapters.
  private func check(
    _ fixture: Fixture, at place: String, isAdapted: Bool = false,
    _ make: (Scope, ComponentCase) -> (Tensor, ForwardContext) throws -> Tensor
  ) throws {
    let wanted = try ComponentCase(fixture)
    let builder = ModelBuilder()
    let forward = make(builder.root / place, wanted)
    var stored = builder.tree.stored
    if isAdapted {
      var settings = AdapterSettings(name: "gated", method: GatedLoRA.name)
      settings.targets = try LoLASpecViT.defaultTargets.map { try Pattern($0) }
        .filter { pattern in builder.tree.sites.contains { pattern.matches(path: $0.path) } }
      let method = GatedLoRA(
        rank: wanted.integer("r"), alpha: Double(wanted.integer("lora_alpha")))
      stored += try AttachedAdapter(
        settings, method: method, on: builder.tree, defaults: [], seed: 0
      ).parameters
    }
    let byKey = stored.map { (key: Self.key($0.path, below: place), parameter: $0) }
    for (key, parameter) in byKey { parameter.value = try wanted.tensor("weight." + key) }
    let leaf = Node()
    let y = try forward(
      try wanted.tensor("input.x").tracked(by: leaf),
      .evaluation.usingBatchStatistics(wanted.isTraining))
    let gradients = y.gradients(for: try wanted.tensor("input.cotangent"))
    var found = ["output.y": y]
    found["grad_input.x"] = gradients[leaf]
    for (key, parameter) in byKey {
      found["grad." + key] = gradients[parameter.leaf]
      if parameter.isBuffer { found["after." + key] = parameter.value }
    }
    #expect(try wanted.differences(found).isEmpty)
    Parity.passed(fixture.name)
  }

  private static func cases(_ prefix: String) -> [Fixture] {
    Fixture.all(in: "lola-specvit") { $0.hasPrefix(prefix) }
  }

  @Test("squeeze and excitation of maps and volumes", arguments: cases("comp-se-"))
  func squeezeExcitation(fixture: Fixture) throws {
    try check(fixture, at: "spectral_attention") { scope, wanted in
      let layer = LoLASqueezeExcitation(
        scope, channels: wanted.integer("channels"), reduction: wanted.integer("reduction"))
      return { layer($0, $1) }
    }
  }

  @Test("SwiGLU", arguments: cases("comp-swiglu"))
  func swiGLU(fixture: Fixture) throws {
    try check(fixture, at: "levels.0.0.mlp.1") { scope, wanted in
      let layer = LoLASwiGLU(
        scope, inputs: wanted.integer("in_features"), hidden: wanted.integer("hidden_features"),
        outputs: wanted.integer("out_features"))
      return { layer($0, $1) }
    }
  }

  @Test("downsampling, by the batch and by running statistics", arguments: cases("comp-reduce-"))
  func reduction(fixture: Fixture) throws {
    try check(fixture, at: "levels.0.1") { scope, wanted in
      let layer = LoLAReduction(scope, channels: wanted.integer("dim"))
      return { layer($0, $1) }
    }
  }

  @Test("attention in windows, plain and masked", arguments: cases("comp-window-attention"))
  func windowAttention(fixture: Fixture) throws {
    let mask = try? ComponentCase(fixture).tensor("input.mask")
    try check(fixture, at: "levels.0.0.attn", isAdapted: true) { scope, wanted in
      let side = wanted.integer("window_size")
      let layer = LoLAWindowAttention(
        scope, width: wanted.integer("dim"), heads: wanted.integer("num_heads"), window: side)
      let plan = LoLAWindowPlan(height: side, width: side, window: side, masksPadding: false)
      return { layer($0, plan.regions[0][0], mask: mask, $1) }
    }
  }

  @Test("a block whose windows are filled up with zeros", arguments: cases("comp-block-padded"))
  func block(fixture: Fixture) throws {
    try check(fixture, at: "levels.0.0", isAdapted: true) { scope, wanted in
      let side = wanted.integer("window_size")
      let layer = LoLABlock(
        scope, width: wanted.integer("dim"), heads: wanted.integer("num_heads"), window: side,
        mlpRatio: 2, dropPath: 0,
        plan: LoLAWindowPlan(height: 5, width: 6, window: side, masksPadding: false))
      return { layer($0, $1) }
    }
  }

  @Test("windows, their reverse and relative positions", arguments: cases("comp-window-partition"))
  func windows(fixture: Fixture) throws {
    let wanted = try ComponentCase(fixture)
    let x = try wanted.tensor("input.x")
    let side = wanted.integer("window_size")
    let padded = x.padded(axis: 1, before: 0, after: 3).padded(axis: 2, before: 0, after: 1)
    let windows = lolaWindows(of: padded, height: side, width: side)
    let grid = lolaGrid(of: windows, rows: 8, columns: 8, height: side, width: side)
    let plan = LoLAWindowPlan(height: side, width: side, window: side, masksPadding: false)
    let count = side * side
    let found = [
      "output.windows": windows,
      "output.reversed": grid.sliced(axis: 1, 0..<x.shape[1]).sliced(axis: 2, 0..<x.shape[2]),
      "output.relative_position_index": plan.regions[0][0].biasRows
        .reshaped(to: [count, count]),
    ]
    #expect(try wanted.differences(found).isEmpty)
    Parity.passed(fixture.name)
  }
}
