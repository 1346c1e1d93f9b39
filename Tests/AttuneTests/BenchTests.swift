import Attune
import Backbones
import Datasets
import Formats
import Foundation
import Layers
import Recipes
import Synchronization
import Tensors
import TestSupport
import Testing

/// The work that `bench` times, and how it counts it.
@Suite("Bench")
struct BenchTests {
  @Test("ViTLoRABenchmark trains LoRA of four layers in every block, and the head")
  func vit() throws {
    let result = try timed(
      "vit-lora",
      [
        ("model", .text("vit_tiny_patch16_224")), ("image-size", .integer(32)),
        ("batch", .integer(2)), ("steps", .integer(1)), ("rank", .integer(4)),
      ])
    #expect(result.adaptedModules == 48)
    let perBlock = 4 * (192 + 576 + 192 + 192 + 192 + 768 + 768 + 192)
    #expect(result.trainableParameters == 12 * perBlock + 192 * 10 + 10)
    #expect(result.shape == [3, 32, 32])
    try sane(result)
  }

  @Test("MorphBenchmark trains all parameters of Ti, or LoRA with norms and positions")
  func morph() throws {
    let shape = PlainValue.text("1,1,1,1,1,16")
    let all = try timed(
      "morph", [("shape", shape), ("batch", .integer(1)), ("steps", .integer(1))])
    #expect(all.trainableParameters == 9_864_408)
    #expect(all.parameters == all.trainableParameters)
    #expect(all.rank.value == nil)
    let lora = try timed(
      "morph",
      [
        ("shape", shape), ("batch", .integer(1)), ("steps", .integer(1)), ("lora", .boolean(true)),
      ])
    let attention = 4 * 4 * 4 * 16 * (256 + 256)
    let mlp = 4 * 2 * 12 * (256 + 1024)
    let norms = (4 * 2 + 1) * 2 * 256
    #expect(lora.trainableParameters == attention + mlp + norms + 4096 * 256)
    try sane(all)
    try sane(lora)
  }

  @Test("LoLABenchmark trains the gated adapters alone, or everything")
  func lola() throws {
    let small: [(String, PlainValue)] = [
      ("size", .text("2layer")), ("bands", .integer(4)), ("patch", .integer(6)),
      ("batch", .integer(2)), ("steps", .integer(1)), ("mode", .text("infer")),
    ]
    let adapters = try timed("lola", small)
    let all = try timed("lola", small + [("all", .boolean(true))])
    #expect(all.trainableParameters == all.parameters)
    #expect(adapters.parameters == all.parameters)
    func gated(_ width: Int) -> Int {
      [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)].reduce(0) {
        $0 + 16 * ($1.0 + $1.1) + 2 * $1.0 * $1.1
      }
    }
    #expect(adapters.trainableParameters == 2 * gated(32) + 2 * gated(64) + 16 * (64 + 16))
    try sane(adapters)
  }

  @Test("AdapterBenchmark times an adapter beside the frozen model, and many beside one")
  func adapters() throws {
    let result = try bench(
      "adapters",
      [
        ("model", "vit_tiny_patch16_224"), ("batch", 1), ("adapters", 3), ("rounds", 1),
      ])
    let json = try #require(
      JSONSerialization.jsonObject(with: JSONEncoder().encode(result)) as? [String: Any])
    #expect((json["overhead"] as? Double).map { $0 > -0.9 && $0 < 10 } == true)
    #expect((json["bank_throughput"] as? Double).map { $0 > 0.05 && $0 < 20 } == true)
    #expect(json["trainable_params"] as? Int == 12 * 8 * (4 * 192 + 2 * 192 + 2 * 5 * 192))
    #expect(throws: (any Error).self) { try bench("adapters", [("method", "lorra")]) }
  }

  @Test("DataTilesBenchmark reads all tiles, or a window of each")
  func tiles() throws {
    let folder = PackageFolder.url("Tests/FormatsTests/Golden/tiffs").path
    let given: [(name: String, value: PlainValue)] = [
      ("path", .text(folder)), ("repeat", .integer(2)), ("threads", .integer(2)),
    ]
    let whole = try #require(try bench("data-tiles", given) as? DataReadingResult)
    #expect(whole.items % 2 == 0 && whole.items > 60)
    #expect(whole.bytes == whole.items * 45 * 37 * 3 * 4)
    #expect(whole.megabytesPerSecond > 0 && whole.openSeconds > 0 && whole.seconds > 0)
    let parts = try #require(
      try bench("data-tiles", given + [("window", .integer(20))]) as? DataReadingResult)
    #expect(parts.bytes == parts.items * 20 * 20 * 3 * 4 && parts.window == 20)
    #expect(parts.text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let empty = try TemporaryFolder()
    #expect(throws: DataError.self) { try bench("data-tiles", [("path", .text(empty.path))]) }
  }

  @Test("DataHDF5Benchmark reads every trajectory with all its frames")
  func hdf5() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("fields.h5")
    let writer = try HDF5Writer(path: path)
    try writer.writeDataset(
      "other", shape: [5, 4, 6], values: (0..<120).map { Float($0) })
    try writer.writeDataset(
      "tensor", shape: [3, 4, 6], values: (0..<72).map { Float($0) })
    try writer.finish()
    let result = try #require(
      try bench("data-hdf5", [("path", .text(path))]) as? DataReadingResult)
    #expect(result.items == 3 && result.bytes == 72 * 4 && result.kind == "hdf5")
    let other = try #require(
      try bench("data-hdf5", [("path", .text(path)), ("dataset", .text("other"))])
        as? DataReadingResult)
    #expect(other.items == 5)
    #expect(throws: (any Error).self) { try bench("data-hdf5", [("path", .text(path + "x"))]) }
    #expect(throws: CommandLineError.self) { try bench("data-hdf5", []) }
  }

  /// What `bench` measured of a model.
  private func timed(
    _ name: String, _ given: [(name: String, value: PlainValue)]
  ) throws -> BenchResult {
    try #require(try bench(name, given) as? BenchResult)
  }

  private func sane(_ result: BenchResult) throws {
    #expect(result.shortestStepSeconds > 0)
    #expect(result.medianStepSeconds >= result.shortestStepSeconds)
    #expect(result.startSeconds > 0)
    #expect(result.ceilingRate > 0.1)
    let share = result.work / result.medianStepSeconds / result.ceilingRate
    // Exact with one timed step; of several both are medians of their own.
    #expect(abs(result.shareOfCeiling - share / Double(result.threads)) < 1e-9)
    #expect(result.text.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test("the step of ViT-S/16 at batch 8 has the work that its floor was computed from")
  func smallViT() {
    var vit = ViTConfiguration()
    vit.width = 384
    vit.heads = 6
    vit.classes = 10
    func work(rank: Int, isTraining: Bool = true) -> Double {
      var work = StepWork(isTraining: isTraining)
      work.countViT(vit, images: 8, rank: rank, classes: 10)
      return work.operations * 1e-9
    }
    // Frozen products forward 66.9 and backward 65.5, attention 20.0, patches 0.9.
    #expect(abs(work(rank: 0) - 153.4) < 0.2)
    #expect(abs(work(rank: 8) - work(rank: 0) - 5.56) < 0.05)
    #expect(abs(work(rank: 8, isTraining: false) - 75.4) < 0.1)
  }

  @Test("a product counts once forward, and once for each gradient that is computed")
  func products() {
    func operations(_ isTraining: Bool, _ isTrained: Bool, _ passes: Bool) -> Double {
      var work = StepWork(isTraining: isTraining)
      work.product(rows: 3, inputs: 5, outputs: 7, isTrained: isTrained, passesGradient: passes)
      return work.operations
    }
    #expect(operations(false, true, true) == 210)
    #expect(operations(true, false, false) == 210)
    #expect(operations(true, true, false) == 420)
    #expect(operations(true, true, true) == 630)
    var work = StepWork(isTraining: true)
    work.attention(count: 2, queries: 3, keys: 5, width: 7)
    #expect(work.operations == 14 * 210)
  }

  @Test("the count of MORPH and LoLA-SpecViT is that of their layers in a forward pass")
  func observed() throws {
    let morphLayers = ModelBuilder()
    let morph = Morph(
      MorphConfiguration(
        patch: [8, 8, 8], dim: 64, depth: 2, heads: 4, fieldHeads: 4, mlpDim: 96, filters: 16,
        maxComponents: 3, maxFields: 3, maxTime: 2, maxPatches: 16), in: morphLayers.root)
    let shape = [2, 2, 1, 2, 1, 16, 24]
    var work = StepWork(isTraining: false)
    work.countMorph(morph.configuration, shape: shape, ranks: nil)
    let seen = Observed(morphLayers.tree)
    _ = morph(BackboneInput(Tensor(zeros: shape)), seen.context)
    let tokens = 2.0 * 2 * 2 * 3
    // The decoder gives leading outputs alone, as the observed ones are; values and output of
    // the attention over one field are not shown. Lines of 2, 2 and 3 tokens.
    let attention = 2 * 4 * tokens * (2 + 2 + 3) * 64
    #expect(work.operations == seen.operations + attention + 2 * 2 * tokens * 64 * 64)

    let lolaLayers = ModelBuilder()
    let lola = LoLASpecViT(
      LoLASpecViTConfiguration(
        dim: 16, depths: [1, 2], heads: [2, 2], windows: [7, 7], mlpRatio: 2, spatialSize: 14,
        classes: 5), in: lolaLayers.root)
    var other = StepWork(isTraining: false)
    other.countLoLA(lola.configuration, patches: 2, bands: 6, rank: 0, trainsAll: true)
    let layers = Observed(lolaLayers.tree)
    _ = lola(BackboneInput(Tensor(zeros: [2, 6, 14, 14])), layers.context)
    // 7 × 7 tokens fill their window; 4 × 4 do not: one token of zeros is projected for each window.
    let (first, second) = (2.0 * 49, 2.0 * 16)
    let pairs = 4 * 49 * (first * 16 + 2 * second * 32)
    let gated = 2.0 * 2 * (first * 8 * 16 * 16 + 2 * second * 8 * 32 * 32)
    let extra = 2.0 * 2 * 2 * 32 * 96
    let excitation = 2.0 * 2 * 2 * 16 + 2.0 * 2 * 2 * 16
    #expect(
      other.operations == layers.operations - extra - excitation + pairs + gated,
      "\(other.operations) \(layers.operations)")
  }
}

/// Operations of the layers that a forward pass shows.
private final class Observed: Sendable {
  private let sites: [String: AdaptationSite]
  private let total = Mutex(0.0)

  init(_ tree: ModuleTree) {
    sites = Dictionary(uniqueKeysWithValues: tree.sites.map { ($0.path, $0) })
    tree.initialize(seed: 0)
  }

  var operations: Double { total.withLock { $0 } }

  var context: ForwardContext {
    .evaluation.observing { path, value in
      guard let site = self.sites[path] else { return }
      var inputs = site.inputs
      // A kernel meets data along axes of more than one cell alone.
      if case .convolution(let kernel, _) = site.kind, value.rank == 5 {
        let taps = zip(kernel, value.shape[2...]).reduce(1) { $0 * ($1.1 > 1 ? $1.0 : 1) }
        inputs = site.weight.shape[1] * taps
      }
      if case .linear = site.kind, path.hasSuffix("projection") {
        inputs = min(inputs, 64 * 16)
      }
      let operations = 2 * Double(value.elementCount) * Double(inputs)
      self.total.withLock { $0 += operations }
    }
  }
}
