import Recipes
import Testing

@Suite("The contract's recipes")
struct ExampleTests {
  @Test("decode without errors", arguments: Example.allCases)
  func decode(example: Example) throws {
    let loaded = try loaded(example.text)
    #expect(loaded.messages == [])
    #expect(loaded.diagnostics.notes.isEmpty)
    #expect(loaded.recipe.name.isEmpty == false)
  }

  @Test("survive writing and reading back, with the same digest", arguments: Example.allCases)
  func roundTrip(example: Example) throws {
    let first = try loaded(example.text)
    let resolved = first.recipe.resolved(by: first.diagnostics)
    let second = try loaded(resolved.yaml)
    #expect(second.messages == [])
    let again = second.recipe.resolved(by: second.diagnostics)
    #expect(again.yaml == resolved.yaml)
    let digest = resolved.digest { $1 }
    #expect(digest.count == 64)
    #expect(again.digest { $1 } == digest)
  }

  @Test("land cover: inputs, target and sweep arrive typed")
  func landCover() throws {
    let recipe = try loaded(Example.landCover.text).recipe
    #expect(recipe.model.inputs.map(\.backbone) == ["optical", "radar"])
    #expect(recipe.model.inputs.map(\.data) == ["s2", "s1"])
    #expect(recipe.data.inputs.map(\.name) == ["s2", "s1"])
    let optical = try #require(recipe.data.inputs.first)
    #expect(optical.source == .component("s2rgbm-2020"))
    #expect(optical.bands == [.name("07_red"), .name("07_green"), .name("07_blue")])
    #expect(optical.wavelengths == .values([664.6, 559.8, 492.4]))
    #expect(optical.normalization == .twoSigma)
    #expect(optical.scale == 0.0011764706)
    #expect(recipe.data.root == "/recipes/data/m3leo")
    #expect(recipe.data.target.unmapped == .ignore)
    #expect(recipe.data.target.labelMap?.first?.value == "10")
    #expect(recipe.data.target.labelMap?.map(\.index) == Array(0...10))
    #expect(
      recipe.data.transforms.map(\.name) == ["random-crop", "horizontal-flip", "vertical-flip"])
    #expect(recipe.train.precision == .bf16)
    #expect(recipe.train.length == .epochs(10))
    let tiles = try #require(recipe.evaluation.tiles)
    #expect([tiles.crop, tiles.stride, tiles.batch] == [128, 112, 16])
    let sweep = try #require(recipe.sweep)
    #expect(sweep.axes.map(\.path) == ["adapter.r"])
    #expect(sweep.axes.first?.values.map(\.plain) == [4, 8, 16])
    #expect(sweep.seeds == [0, 1, 2])
    #expect(recipe.freezesBackbone)
  }

  @Test("hyperspectral: a list of adapters, a reduction, a patch")
  func hyperspectral() throws {
    let recipe = try loaded(Example.hyperspectral.text).recipe
    #expect(recipe.adapters.map(\.name) == ["blocks", "head"])
    #expect(recipe.adapters.map(\.method.name) == ["gated-lora", "gated-lora"])
    #expect(recipe.adapters.last?.initialization?.name == "reference")
    #expect(recipe.model.weights == .none)
    let image = try #require(recipe.data.inputs.first)
    #expect(image.wavelengths == .variable("wavelength_nm"))
    #expect(image.noData == -32768)
    #expect(image.scale == 1e-4)
    #expect(image.reduction?.components == 15)
    #expect(image.reduction?.whitens == true)
    let patch = try #require(recipe.data.patch)
    #expect(patch.size == 15)
    #expect(patch.stride == nil)
    #expect(patch.padding == .zero)
    #expect(recipe.train.evaluationInterval == .epochs(5))
    #expect(recipe.train.loss.map(\.loss.name) == ["cross-entropy"])
  }

  @Test("PDE: patterns in file order, rates of groups")
  func pde() throws {
    let recipe = try loaded(Example.pdeTransfer.text).recipe
    let adapter = try #require(recipe.adapters.first)
    #expect(adapter.targetModules == ["attention", "mlp"])
    #expect(adapter.rankPattern.map(\.pattern) == ["mlp"])
    #expect(adapter.rankPattern.map(\.rank) == [12])
    #expect(adapter.alphaPattern.map(\.alpha) == [24])
    #expect(recipe.model.weights == .file("/recipes/weights/morph-Ti-FM-max_ar1_ep225.pth"))
    #expect(recipe.data.split.seed == 42)
    #expect(recipe.train.rateGroups.map(\.learningRate) == [1e-4])
    #expect(recipe.train.earlyStopping?.patience == 10)
    #expect(recipe.train.earlyStopping?.minimumDelta == 0)
    #expect(recipe.evaluation.metrics == ["VRMSE", "nRMSE", "RMSE", "conserved", "spectral"])
  }

  @Test("restoration: degradations and a length in steps")
  func restoration() throws {
    let recipe = try loaded(Example.restoration.text).recipe
    #expect(recipe.data.degradation?.steps.map(\.name) == ["gaussian-noise"])
    #expect(recipe.data.degradation?.order == .listed)
    #expect(recipe.train.length == .steps(2000))
    #expect(recipe.adapters.first?.bias == .all)
    #expect(recipe.evaluation.colorSpace == .rgb)
    #expect(recipe.data.split.method.name == "files")
  }

  @Test("the minimal recipe takes the contract's defaults")
  func defaults() throws {
    let loaded = try loaded(minimalRecipe)
    #expect(loaded.messages == [])
    let recipe = loaded.recipe
    #expect(recipe.seed == 0)
    #expect(recipe.data.root == "/recipes")
    #expect(recipe.data.batchSize == 8)
    #expect(recipe.data.maximumSkipped == .share(0.01))
    #expect(recipe.data.target.ignoreIndex == 255)
    #expect(recipe.train.scheduler.name == "constant")
    #expect(recipe.train.logInterval == .steps(50))
    #expect(recipe.train.saveInterval == .epochs(1))
    #expect(recipe.train.resume == .auto)
    #expect(recipe.train.nonfinite == .stop)
    #expect(recipe.evaluation.checkpoint == .best)
    #expect(recipe.evaluation.bootstrapResamples == 1000)
    #expect(recipe.output.directory == FilePath.current + "/outputs")
    #expect(recipe.tracking.tensorBoard == .on)
    #expect(recipe.tracking.mlflow == .off)
    #expect(recipe.distributed.threads == nil)
    #expect(recipe.model.strictness == .strict)
    #expect(recipe.model.channelPolicy == .refuse)
  }

  @Test("a linear probe trains no base weight, full fine-tuning all")
  func freezing() throws {
    let full = minimalRecipe(replacing: "method: lora\n  r: 4", with: "method: none")
    #expect(try loaded(full).recipe.freezesBackbone == false)
    let probe = full.replacing("weights: none", with: "weights: none\n  freeze_backbone: true")
    #expect(try loaded(probe).recipe.freezesBackbone)
  }
}
