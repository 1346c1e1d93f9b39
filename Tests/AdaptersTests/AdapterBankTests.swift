import Adapters
import Checkpoints
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Adapter bank")
struct AdapterBankTests {
  /// A small network with a linear layer that has GELU and a residual, one without, and a convolution.
  private struct Small {
    let tree: ModuleTree
    let forward: (Tensor, ForwardContext) -> Tensor

    init() {
      let builder = ModelBuilder()
      let first = Linear(builder.root / "first", inputs: 8, outputs: 16, groups: ["all-linear"])
      let second = Linear(builder.root / "second", inputs: 16, outputs: 8, groups: ["all-linear"])
      let mixing = Convolution(
        builder.root / "mixing", inputs: 2, outputs: 2, kernel: [3, 3],
        geometry: .planar(padding: 1))
      tree = builder.tree
      tree.initialize(seed: 3)
      for parameter in tree.parameters { parameter.isTrainable = false }
      forward = { x, context in
        let hidden = first(x, context, activation: .gelu)
        let y = second(hidden, context, residual: x)
        return mixing(y.reshaped(to: [x.shape[0], 2, 4, 4]), context)
      }
    }
  }

  /// Saves an adapter of some rank with drawn values, and gives its directory.
  private func saved(
    _ name: String, rank: Int, form: LoRA.Form, _ targets: [String], in folder: TemporaryDirectory
  ) throws -> PEFTDirectory {
    let small = Small()
    var settings = AdapterSettings(name: name, method: "lora")
    settings.targets = try targets.map { try Pattern($0) }
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: rank, alpha: 3), form: form), on: small.tree,
      defaults: [], seed: 1)
    for (index, parameter) in adapter.parameters.enumerated() {
      let moved = FiniteDifferences.values(parameter.shape, seed: 10 * rank + index)
        .scaled(by: 0.4)
      parameter.value = (parameter.value.cast(to: .f64) + moved).cast(to: .f32)
    }
    try adapter.save(to: folder.path(name), base: nil, baseDigest: "d", on: small.tree)
    return try PEFTDirectory(reading: folder.path(name))
  }

  @Test("gives every sample what its adapter alone gives, in any order and mixture")
  func mixture() throws {
    let folder = try TemporaryDirectory()
    let directories = [
      "a": try saved("a", rank: 1, form: .pair, ["first", "second"], in: folder),
      "b": try saved("b", rank: 4, form: .pair, ["second", "mixing"], in: folder),
      "c": try saved("c", rank: 3, form: .magnitudes, ["first", "mixing"], in: folder),
      "d": try saved("d", rank: 2, form: .pair, ["first[2:9]"], in: folder),
    ]
    let shared = Small()
    var bank = AdapterBank(shared.tree)
    for (name, directory) in directories.sorted(by: { $0.key < $1.key }) {
      try bank.add(
        directory, named: name, layouts: [], methods: adapterMethods, baseDigest: "d")
    }
    #expect(bank.names == ["a", "b", "c", "d"])
    let chosen: [String?] = ["b", nil, "a", "c", "b", "d", nil, "a", "a"]
    let input = FiniteDifferences.values([chosen.count, 4, 8], seed: 5).cast(to: .f32)
    let found = try bank.output(input, adapters: chosen, .evaluation, shared.forward)
    var distinct = Set<[Float]>()
    for (index, name) in chosen.enumerated() {
      let alone = Small()
      if let name, let directory = directories[name] {
        _ = try OpenedAdapter(directory, adapterMethods).attach(
          named: "only", on: alone.tree, layouts: [], baseDigest: "d")
      }
      let sample = input.sliced(axis: 0, index..<(index + 1))
      let wanted = alone.forward(sample, .evaluation)
      let part = found.sliced(axis: 0, index..<(index + 1))
      #expect(part.largestDifference(from: wanted) < 2e-6, "\(name ?? "base")")
      distinct.insert(wanted.elements(as: Float.self))
    }
    #expect(distinct.count == chosen.count)
    // Without names the base alone computes, and switching is a matter of one name.
    let plain = shared.forward(input, .evaluation)
    #expect(plain.bits == Small().forward(input, .evaluation).bits)
    for site in shared.tree.sites {
      #expect(try site.merged().weight.bits == site.weight.value.bits, "a bank is never merged")
    }
    let all = try bank.output(
      input, adapters: chosen.map { _ in "a" }, .evaluation, shared.forward)
    #expect(all.largestDifference(from: plain) > 0.01)
  }

  @Test("refuses names that it lacks or has, files with base values, and other bases")
  func refusals() throws {
    let folder = try TemporaryDirectory()
    let directory = try saved("a", rank: 2, form: .pair, ["first"], in: folder)
    var bank = AdapterBank(Small().tree)
    func add(_ directory: PEFTDirectory, _ name: String, digest: String = "d") throws {
      try bank.add(
        directory, named: name, layouts: [], methods: adapterMethods, baseDigest: digest)
    }
    #expect(throws: AdapterError.self) { try add(directory, "a", digest: "other") }
    #expect(bank.names.isEmpty)
    try add(directory, "a")
    let twice = #expect(throws: AdapterError.self) { try add(directory, "a") }
    #expect("\(twice.map { "\($0)" } ?? "")".contains("already"))
    let input = Tensor(zeros: [1, 4, 8])
    let missing = #expect(throws: AdapterError.self) {
      try bank.output(input, adapters: ["z"], .evaluation) { x, _ in x }
    }
    #expect("\(missing.map { "\($0)" } ?? "")".contains("no adapter 'z', only a"))

    let small = Small()
    var settings = AdapterSettings(name: "s", method: "lora")
    settings.targets = [try Pattern("first")]
    settings.modulesToSave = [try Pattern("second")]
    let saving = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 2)), on: small.tree, defaults: [], seed: 1)
    try saving.save(to: folder.path("s"), base: nil, baseDigest: "d", on: small.tree)
    let held = #expect(throws: AdapterError.self) {
      try add(try PEFTDirectory(reading: folder.path("s")), "s")
    }
    #expect("\(held.map { "\($0)" } ?? "")".contains("base values of its own"))
  }
}
