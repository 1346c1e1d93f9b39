import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Hydra")
struct HydraTests {
  /// A linear layer at a path with the adapter, its values moved.
  private func adapted(
    _ fields: [(String, PlainValue)], path: [String] = ["attn", "proj"], hasBias: Bool = true
  ) throws -> (layer: Linear, adapter: AttachedAdapter) {
    let builder = ModelBuilder()
    let layer = Linear(
      path.reduce(builder.root) { $0 / $1 }, inputs: 6, outputs: 5, bias: hasBias)
    builder.tree.initialize(seed: 3)
    let method = try Hydra.made(fields)
    let target = AdapterTarget(
      site: layer.site, rank: 2, alpha: 2, dropout: method.lowRank?.dropout ?? 0)
    let adapter = try AttachedAdapter(
      AdapterSettings(name: "test", method: Hydra.name), method: method, targets: [target], seed: 5)
    for (index, parameter) in adapter.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: index).cast(to: .f32)
    }
    return (layer, adapter)
  }

  @Test(
    "has one branch or both, with biases or without, all merged",
    arguments: [["parallel"], ["sequential"], ["parallel", "sequential"]], [true, false])
  func branches(names: [String], hasBias: Bool) throws {
    let (layer, adapter) = try adapted([
      ("branches", .list(names.map { .text($0) })), ("biases", .boolean(hasBias)),
      ("scale", .number(0.5)),
    ])
    #expect(adapter.parameters.count == names.count * (hasBias ? 4 : 2))
    let x = FiniteDifferences.values([3, 6], seed: 9).cast(to: .f32)
    let merged = try layer.site.merged()
    let expected = linear(x, weight: merged.weight, bias: merged.bias)
    let found = layer(x, .evaluation)
    #expect(found.largestDifference(from: expected) <= 1e-5 * expected.largestMagnitude)
  }

  @Test("names its values beside the module as the reference does")
  func names() throws {
    #expect(
      try adapted([]).adapter.parameters.map(\.path).first
        == "attn.hydra_proj_par.down_proj.weight")
    #expect(
      try adapted([], path: ["mlp", "fc2"]).adapter.parameters.map(\.path).last
        == "mlp.hydra_mlp_seq.up_proj.bias")
    #expect(
      try adapted([], path: ["mlp", "fc1"]).adapter.parameters.map(\.path).first
        == "mlp.hydra_fc1_par.down_proj.weight")
    #expect(
      try adapted([], path: ["head"]).adapter.parameters.map(\.path).first
        == "hydra_head_par.down_proj.weight")
  }

  @Test("refuses to merge biases into a layer that has none")
  func missingBias() throws {
    let (layer, _) = try adapted([], hasBias: false)
    #expect(throws: UnmergeableDelta.self) { _ = try layer.site.merged() }
    let (plain, _) = try adapted([("biases", false)], hasBias: false)
    #expect(try plain.site.merged().bias == nil)
  }

  @Test("drops between its maps in training alone")
  func dropout() throws {
    let (layer, _) = try adapted([("dropout", .number(0.5))])
    let x = Tensor(filledWith: 1, shape: [4, 6])
    let context = ForwardContext.training(seed: 1, step: 0, samples: 0..<4)
    let evaluated = layer(x, .evaluation)
    #expect(layer(x, context).largestDifference(from: evaluated) > 0.1)
    #expect(layer(x, context).bits == layer(x, context).bits)
  }
}
