import Adapters
import Checkpoints
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Sums of adapters")
struct AdapterSumTests {
  private struct Model {
    let tree: ModuleTree
    let linear: Linear
    let convolution: Convolution

    init() {
      let builder = ModelBuilder()
      linear = Linear(builder.root / "fc", inputs: 7, outputs: 9)
      convolution = Convolution(builder.root / "conv", inputs: 3, outputs: 5, kernel: [3, 3])
      tree = builder.tree
      tree.initialize(seed: 3)
      for parameter in tree.parameters { parameter.isTrainable = false }
    }

    /// Changes of both weights through what stands on them.
    func deltas() throws -> [Tensor] {
      try tree.sites.map { site in
        try site.merged().weight - site.weight.value
      }
    }
  }

  private func saved(
    _ name: String, rank: Int, alpha: Double, root: Bool = false,
    targets: [String] = ["fc", "conv"],
    saving: [String] = [], form: LoRA.Form = .pair, in folder: TemporaryDirectory
  ) throws -> (directory: PEFTDirectory, deltas: [Tensor]) {
    let model = Model()
    var settings = AdapterSettings(name: name, method: "lora")
    settings.targets = try targets.map { try Pattern($0) }
    settings.modulesToSave = try saving.map { try Pattern($0) }
    let adapter = try AttachedAdapter(
      settings,
      method: LoRA(
        LowRank(rank: rank, alpha: alpha, usesRankStabilizedScaling: root), form: form),
      on: model.tree, defaults: [], seed: 1)
    for (index, parameter) in adapter.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: 10 * rank + index)
        .cast(to: .f32)
    }
    try adapter.save(to: folder.path(name), base: "base", baseDigest: "d", on: model.tree)
    return (try PEFTDirectory(reading: folder.path(name)), try model.deltas())
  }

  /// The changes that a sum makes, read back from its directory.
  private func deltas(
    _ sum: AdapterSum, in folder: TemporaryDirectory
  ) throws -> [Tensor] {
    try sum.save(to: folder.path("sum"), parts: ["a"])
    let model = Model()
    let directory = try PEFTDirectory(reading: folder.path("sum"))
    #expect(directory.configuration["base_model_name_or_path"]?.string == "base")
    _ = try OpenedAdapter(directory, adapterMethods).attach(
      named: "sum", on: model.tree, layouts: [], baseDigest: "d")
    return try model.deltas()
  }

  @Test("are exact, with ranks that add up, whatever ranks, scalings and targets")
  func exact() throws {
    let folder = try TemporaryDirectory()
    let a = try saved("a", rank: 2, alpha: 3, in: folder)
    let b = try saved("b", rank: 3, alpha: 6, root: true, in: folder)
    let c = try saved("c", rank: 1, alpha: 1, targets: ["conv"], in: folder)
    let weights = [0.5, -2, 1]
    let sum = try AdapterSum(
      [a.directory, b.directory, c.directory], weights: weights, averagesSaved: false)
    #expect(sum.pairs.map(\.pair.rank).sorted() == [5, 6])
    let found = try deltas(sum, in: folder)
    for index in 0..<2 {
      let wanted =
        a.deltas[index].scaled(by: 0.5) + b.deltas[index].scaled(by: -2) + c.deltas[index]
      #expect(found[index].largestDifference(from: wanted) < 1e-5 * wanted.largestMagnitude)
    }
  }

  @Test("brought to a rank are the nearest of that rank, and a rank that suffices changes nothing")
  func rank() throws {
    let folder = try TemporaryDirectory()
    let a = try saved("a", rank: 3, alpha: 3, targets: ["fc"], in: folder)
    let b = try saved("b", rank: 4, alpha: 4, targets: ["fc"], in: folder)
    let sum = try AdapterSum([a.directory, b.directory], weights: [1, 1], averagesSaved: false)
    let wanted = a.deltas[0] + b.deltas[0]
    let values = wanted.singularValues().values.elements(as: Float.self)
    for rank in [1, 3, 6] {
      let limited = sum.limited(to: rank)
      #expect(limited.pairs[0].pair.rank == rank)
      let error = (try deltas(limited, in: folder)[0] - wanted).sumOfSquares().squareRoot()
      let tail = values[rank...].reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
      #expect(abs(error - tail) < 1e-4 * Double(values[0]))
      let share = sum.error(of: limited)
      #expect(abs(share - tail / wanted.sumOfSquares().squareRoot()) < 1e-4)
    }
    #expect(sum.error(of: sum.limited(to: 7)) < 1e-6)
    let cancelled = try AdapterSum(
      [a.directory, a.directory], weights: [1, -1], averagesSaved: false)
    #expect(try deltas(cancelled, in: folder)[0].largestMagnitude < 1e-6)
  }

  @Test("put base values together only where that means something")
  func savedValues() throws {
    let folder = try TemporaryDirectory()
    let a = try saved("a", rank: 2, alpha: 2, targets: ["fc"], saving: ["conv"], in: folder)
    let b = try saved("b", rank: 2, alpha: 2, targets: ["fc"], saving: ["conv"], in: folder)
    let equal = try AdapterSum(
      [a.directory, b.directory], weights: [1, 1], averagesSaved: false)
    #expect(Set(equal.saved.map(\.key)) == ["conv.weight", "conv.bias"])
    let other = Model()
    var settings = AdapterSettings(name: "o", method: "lora")
    settings.targets = [try Pattern("fc")]
    settings.modulesToSave = [try Pattern("conv")]
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 2)), on: other.tree, defaults: [], seed: 1)
    other.convolution.site.weight.value = other.convolution.site.weight.value.scaled(by: 3)
    try adapter.save(to: folder.path("o"), base: "base", baseDigest: "d", on: other.tree)
    let o = try PEFTDirectory(reading: folder.path("o"))
    #expect(throws: AdapterError.self) {
      try AdapterSum([a.directory, o], weights: [1, 1], averagesSaved: false)
    }
    let mean = try AdapterSum([a.directory, o], weights: [0.5, 0.5], averagesSaved: true)
    let weight = try #require(mean.saved.first { $0.key == "conv.weight" }).value
    let base = Model().convolution.site.weight.value
    #expect(weight.largestDifference(from: base.scaled(by: 2)) < 1e-6)
  }

  @Test("refuse other methods, other forms and other bases")
  func refusals() throws {
    let folder = try TemporaryDirectory()
    let a = try saved("a", rank: 2, alpha: 2, targets: ["fc"], in: folder)
    let dora = try saved(
      "m", rank: 2, alpha: 2, targets: ["fc"], form: .magnitudes, in: folder)
    let error = #expect(throws: AdapterError.self) {
      try AdapterSum([a.directory, dora.directory], weights: [1, 1], averagesSaved: false)
    }
    #expect(error?.exitCode == .unavailable)
    #expect("\(error.map { "\($0)" } ?? "")".contains("use_dora"))
    let model = Model()
    var settings = AdapterSettings(name: "f", method: "lora")
    settings.targets = [try Pattern("fc")]
    let foreign = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 2)), on: model.tree, defaults: [], seed: 1)
    try foreign.save(to: folder.path("f"), base: nil, baseDigest: "other", on: model.tree)
    let f = try PEFTDirectory(reading: folder.path("f"))
    #expect(throws: AdapterError.foreignBase(expected: "other", found: "d", path: f.path)) {
      try AdapterSum([a.directory, f], weights: [1, 1], averagesSaved: false)
    }
  }
}
