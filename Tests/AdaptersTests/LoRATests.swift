import Adapters
import Checkpoints
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRA")
struct LoRATests {
  @Test("scales by alpha over r, or over its root")
  func scaling() {
    let builder = ModelBuilder()
    let site = Linear(builder.root / "fc", inputs: 4, outputs: 4).site
    #expect(AdapterTarget(site: site, rank: 4, alpha: 8).scaling == 2)
    #expect(
      AdapterTarget(site: site, rank: 4, alpha: 8, usesRankStabilizedScaling: true).scaling == 4)
  }

  @Test("needs a rank that the groups of a convolution divide, and all of its rows")
  func groupedConvolution() throws {
    let builder = ModelBuilder()
    let site = Convolution(
      builder.root / "conv", inputs: 4, outputs: 4, kernel: [1, 1, 3],
      geometry: ConvolutionGeometry(groups: 2)
    ).site
    let method = LoRA(LowRank(rank: 3))
    let odd = #expect(throws: AdapterError.self) {
      _ = try method.makeChange(
        for: AdapterTarget(site: site, rank: 3, alpha: 3), SharedValues())
    }
    #expect(try #require(odd).description.contains("rank 3 is not divisible by"))
    let part = #expect(throws: AdapterError.self) {
      _ = try method.makeChange(
        for: AdapterTarget(site: site, rows: 0..<2, rank: 4, alpha: 4), SharedValues())
    }
    #expect(try #require(part).exitCode == .unavailable)
  }

  @Test("drops on its input in training, never in evaluation")
  func dropout() throws {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 8, outputs: 4)
    builder.tree.initialize(seed: 1)
    let adapter = try attached(
      LoRA(LowRank(rank: 2, dropout: 0.5)), to: [layer.site], on: builder.tree)
    for parameter in adapter.parameters {
      parameter.value = Tensor(filledWith: 0.5, shape: parameter.shape)
    }
    let x = Tensor(filledWith: 1, shape: [4, 8])
    let context = ForwardContext.training(seed: 1, step: 0, samples: 0..<4)
    #expect(layer(x, .evaluation).bits == layer(x, .evaluation).bits)
    #expect(layer(x, context).largestDifference(from: layer(x, .evaluation)) > 0.1)
    #expect(layer(x, context).bits == layer(x, context).bits)
  }

  @Test(
    "merges PEFT's adapters to the weights that PEFT merged",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: [
      "lora_qkv_r8", "lora_all_linear_r4", "lora_rslora_r4", "lora_rank_alpha_pattern",
      "lora_conv_patch_r4", "lora_r1_fc",
    ])
  func interoperability(name: String) throws {
    let folder = Shared.path("fixtures/peft/\(name)")
    let base = try SafetensorsFile(path: Shared.path("fixtures/peft/base_timm/model.safetensors"))
    let io = try SafetensorsFile(path: folder + "/io.safetensors")
    let directory = try PEFTDirectory(reading: folder + "/adapter")
    let builder = ModelBuilder()
    var settings = AdapterSettings(name: name, method: "lora")
    var sites: [AdaptationSite] = []
    for key in directory.weights.names where key.hasSuffix(".lora_A.weight") {
      let path = try #require(PEFTDirectory.modulePath(ofKey: key))
      let module = String(path.dropLast(".lora_A.weight".count))
      let weight = try base.tensor(module + ".weight")
      let site = layer(builder.root / module, shape: weight.shape)
      site.weight.value = weight
      sites.append(site)
      let pattern = try Pattern(module)
      let rank = try #require(
        try directory.value(of: "r", patterns: "rank_pattern", module: module)?.integer)
      let alpha = try #require(
        try directory.value(of: "lora_alpha", patterns: "alpha_pattern", module: module)?.number)
      settings.rankPattern.append((pattern, rank))
      settings.alphaPattern.append((pattern, alpha))
    }
    let method = LoRA(
      LowRank(
        rank: 1,
        usesRankStabilizedScaling: directory.configuration["use_rslora"]?.bool ?? false))
    let adapter = try attached(method, to: sites, on: builder.tree, settings)
    try adapter.load(
      from: directory, baseDigest: nil, names: ModuleNames(builder.tree))
    for tensor in try adapter.record(ModuleNames(builder.tree)).values {
      let key = "base_model.model." + tensor.name
      #expect(tensor.tensor.shape == directory.weights.entry(key)?.shape, "\(key)")
    }
    var compared = 0
    for site in sites where io.names.contains("merged.\(site.path).weight") {
      let expected = try io.tensor("merged.\(site.path).weight")
      let merged = try site.merged().weight
      #expect(
        merged.largestDifference(from: expected) <= 1e-6 * expected.largestMagnitude,
        "\(site.path)")
      compared += 1
    }
    #expect(compared > 0)
  }

  /// A layer for a stored weight: a matrix, or a kernel over height and width.
  private func layer(_ scope: Scope, shape: [Int]) -> AdaptationSite {
    if shape.count == 2 {
      return Linear(scope, inputs: shape[1], outputs: shape[0], bias: false).site
    }
    return Convolution(
      scope, inputs: shape[1], outputs: shape[0], kernel: Array(shape[2...]), bias: false
    ).site
  }

  private func attached(
    _ method: LoRA, to sites: [AdaptationSite], on tree: ModuleTree,
    _ settings: AdapterSettings = AdapterSettings(name: "test", method: "lora")
  ) throws -> AttachedAdapter {
    var settings = settings
    settings.targets = try sites.map { try Pattern($0.path) }
    return try AttachedAdapter(settings, method: method, on: tree, defaults: [], seed: 0)
  }
}
