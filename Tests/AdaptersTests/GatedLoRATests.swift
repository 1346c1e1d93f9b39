import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Gated LoRA")
struct GatedLoRATests {
  /// A linear layer with the adapter and the keys of the reference.
  private struct Adapted {
    let layer: Linear
    let tree: ModuleTree
    let adapter: AttachedAdapter
    let byKey: [(key: String, parameter: Parameter)]

    init(
      inputs: Int, outputs: Int, rank: Int, alpha: Double, hasGate: Bool,
      start: GatedLoRA.Start = .identity
    ) throws {
      let builder = ModelBuilder()
      layer = Linear(builder.root / "fc", inputs: inputs, outputs: outputs)
      builder.tree.initialize(seed: 4)
      tree = builder.tree
      var settings = AdapterSettings(name: "gated", method: GatedLoRA.name)
      settings.targets = [try Pattern("fc")]
      adapter = try AttachedAdapter(
        settings,
        method: GatedLoRA(rank: rank, alpha: alpha, hasGate: hasGate, start: start), on: tree,
        defaults: [], seed: 5)
      byKey =
        tree.parameters.map { ("linear" + $0.path.dropFirst("fc".count), $0) }
        + adapter.parameters.map { (String($0.path.dropFirst("fc.".count)), $0) }
    }

    /// A layer for a case's configuration, with its weights under `prefix`.
    init(_ wanted: ComponentCase, hasGate: Bool, prefix: String = "weight.") throws {
      try self.init(
        inputs: wanted.integer("in_features"), outputs: wanted.integer("out_features"),
        rank: wanted.integer("r"), alpha: Double(wanted.integer("lora_alpha")), hasGate: hasGate)
      for (key, parameter) in byKey { parameter.value = try wanted.tensor(prefix + key) }
    }
  }

  @Test(
    "gives the reference's output and gradients, gated and plain",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: Fixture.all(in: "lola-specvit") { $0.hasPrefix("comp-lora-linear") })
  func reference(fixture: Fixture) throws {
    let wanted = try ComponentCase(fixture)
    let hasGate = wanted.names.contains("weight.lora_gate.weight")
    let adapted = try Adapted(wanted, hasGate: hasGate)
    let leaf = Node()
    let y = adapted.layer(try wanted.tensor("input.x").tracked(by: leaf), .evaluation)
    let gradients = y.gradients(for: try wanted.tensor("input.cotangent"))
    var found = ["output.y": y, "grad_input.x": try #require(gradients[leaf])]
    for (key, parameter) in adapted.byKey { found["grad." + key] = gradients[parameter.leaf] }
    #expect(try wanted.differences(found).isEmpty)
    Parity.passed(fixture.name)
  }

  @Test(
    "merges the plain form as the reference does, and of the gated one the residual, once",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: Fixture.all(in: "lola-specvit") { $0 == "comp-merge" })
  func merge(fixture: Fixture) throws {
    let wanted = try ComponentCase(fixture)
    let x = try wanted.tensor("input.x")
    let plain = try Adapted(wanted, hasGate: false)
    let before = try wanted.tensor("output.before")
    #expect(plain.layer(x, .evaluation).largestDifference(from: before) <= 2e-6)
    let merged = try plain.layer.site.merged().weight
    #expect(
      merged.largestDifference(from: try wanted.tensor("output.merged.linear.weight")) <= 1e-6)
    plain.layer.site.detachAll()
    plain.layer.site.weight.value = merged
    let after = try wanted.tensor("output.after")
    #expect(plain.layer(x, .evaluation).largestDifference(from: after) <= 2e-6)

    let gated = try Adapted(wanted, hasGate: true, prefix: "weight.gated.")
    let base = gated.layer.site.weight.value
    let residual = try wanted.tensor("weight.gated.lora_residual.weight")
    gated.layer.site.mergeLinearParts()
    #expect(gated.layer.site.weight.value.bits == (base + residual).bits)
    #expect(gated.adapter.parameters.last?.value.largestMagnitude == 0)
    let kept = gated.layer(x, .evaluation)
    let gatedBefore = try wanted.tensor("output.gated.before")
    #expect(kept.largestDifference(from: gatedBefore) <= 2e-6)
    let faulty = try wanted.tensor("output.gated.after_reference_merge")
    #expect((kept + linear(x, weight: residual)).largestDifference(from: faulty) <= 2e-6)
    gated.layer.site.mergeLinearParts()
    #expect(gated.layer(x, .evaluation).bits == kept.bits)
    Parity.passed(fixture.name)
  }

  @Test("refuses to merge what depends on the input, naming module and way out")
  func refusedMerge() throws {
    let gated = try Adapted(inputs: 5, outputs: 4, rank: 2, alpha: 4, hasGate: true)
    #expect(throws: UnmergeableDelta.self) { _ = try gated.layer.site.merged() }
    let model = AdaptedModel(
      tree: gated.tree, adapters: [gated.adapter], freezesBackbone: true)
    let error = try #require(
      #expect(throws: AdapterError.self) { try model.mergedWeights() })
    #expect(error.exitCode == .unavailable)
    #expect(error.description.hasPrefix("fc: gated-lora: the gate depends on the input"))
    #expect(error.description.contains("gate_residual: false"))
    let plain = try Adapted(inputs: 5, outputs: 4, rank: 2, alpha: 4, hasGate: false)
    let plainModel = AdaptedModel(
      tree: plain.tree, adapters: [plain.adapter], freezesBackbone: true)
    #expect(try plainModel.mergedWeights().map(\.path) == ["fc.weight", "fc.bias"])
  }

  @Test("starts from the base, or as the reference with all matrices drawn")
  func start() throws {
    let identity = try Adapted(inputs: 40, outputs: 30, rank: 4, alpha: 8, hasGate: true)
    let zeros = identity.adapter.parameters.filter { $0.value.largestMagnitude == 0 }
    #expect(zeros.map(\.path) == ["fc.lora_up.weight", "fc.lora_residual.weight"])
    let reference = try Adapted(
      inputs: 40, outputs: 30, rank: 4, alpha: 8, hasGate: true, start: .reference)
    for parameter in reference.adapter.parameters {
      let deviation =
        (parameter.value.sumOfSquares() / Double(parameter.elementCount)).squareRoot()
      #expect(abs(deviation - 0.02) < 0.004, "\(parameter.path)")
    }
  }

  @Test("counts its low-rank and its full-rank values")
  func counts() throws {
    for (hasGate, count) in [(false, 4 * 70), (true, 4 * 70 + 2 * 40 * 30)] {
      let adapted = try Adapted(inputs: 40, outputs: 30, rank: 4, alpha: 8, hasGate: hasGate)
      #expect(adapted.adapter.parameters.reduce(0) { $0 + $1.elementCount } == count)
    }
  }

  @Test("reads its options, and no dropout")
  func options() throws {
    func method(_ options: PlainValue) throws -> GatedLoRA {
      let diagnostics = Diagnostics()
      let reader = OptionReader(
        Located(plain: options, at: SourceLocation(source: "test")), GatedLoRA.options, diagnostics)
      let method = GatedLoRA(reader, diagnostics)
      try diagnostics.throwErrors()
      return method
    }
    #expect(try method([:]).lowRank == LowRank(rank: 16, alpha: 32))
    let builder = ModelBuilder()
    let site = Linear(builder.root / "fc", inputs: 4, outputs: 3).site
    let target = AdapterTarget(site: site, rank: 2, alpha: 4)
    #expect(try method([:]).trainableCount(for: target) == 38)
    #expect(try method(["gate_residual": false]).trainableCount(for: target) == 14)
    let delta = try method(["start": "reference"]).makeChange(for: target, SharedValues())
    #expect(delta.parameters.allSatisfy { $0.initialization == .normal(standardDeviation: 0.02) })
    #expect(throws: (any Error).self) { try method(["dropout": 0.1]) }
  }

  @Test("refuses a convolution")
  func convolution() throws {
    let builder = ModelBuilder()
    let site = Convolution(builder.root / "conv", inputs: 2, outputs: 2, kernel: [3, 3]).site
    let error = try #require(
      #expect(throws: AdapterError.self) {
        _ = try AttachedAdapter(
          AdapterSettings(name: "test", method: "gated-lora"), method: GatedLoRA(rank: 2, alpha: 2),
          targets: [AdapterTarget(site: site, rank: 2, alpha: 2)], seed: 0)
      })
    #expect(error.description.contains("defined for linear layers"))
  }
}
