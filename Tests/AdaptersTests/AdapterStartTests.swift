import Adapters
import Checkpoints
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Starting from a saved adapter")
struct AdapterStartTests {
  private static let digest = "0123456789abcdef"

  private func saved(
    _ layers: SmallLayers, in folder: TemporaryDirectory
  ) throws -> PEFTDirectory {
    layers.perturb()
    try layers.adapter.save(
      to: folder.path("adapter"), base: nil, baseDigest: Self.digest, on: layers.tree)
    return try PEFTDirectory(
      reading: folder.path("adapter"), accepting: adapterMethods.entries.map { $0.peftType })
  }

  private func start(
    _ layers: SmallLayers, from directory: PEFTDirectory, _ options: [(String, PlainValue)],
    digest: String = Self.digest
  ) throws {
    let type = try #require(adapterMethods[layers.adapter.settings.method])
    let reader = try made(type.options, options) { reader, _ in reader }
    _ = try layers.adapter.start(
      from: directory, adapterMethods, options: reader, on: layers.tree, layouts: [],
      baseDigest: digest, isOfTask: { _ in false })
  }

  @Test(
    "takes the values of the file, bit for bit",
    arguments: [
      (LoRA.self, [("r", 4), ("alpha", 8)]), (SALT.self, [("ratio", 0.5), ("r_lora", 2)]),
      (Hydra.self, [("r", 2)]),
    ] as [(any AdapterMethod.Type, [(String, PlainValue)])])
  func values(method: any AdapterMethod.Type, options: [(String, PlainValue)]) throws {
    let folder = try TemporaryDirectory()
    let first = try SmallLayers(method, options)
    let directory = try saved(first, in: folder)
    let second = try SmallLayers(method, options, seed: 9)
    try start(second, from: directory, options)
    for (given, stored) in zip(second.adapter.parameters, first.adapter.parameters) {
      #expect(given.value.doubles == stored.value.doubles, "\(given.path)")
    }
  }

  @Test("lists every difference at once")
  func differences() throws {
    let folder = try TemporaryDirectory()
    let directory = try saved(
      SmallLayers(LoRA.self, [("r", 4), ("alpha", 8)], count: 2), in: folder)
    let other: [(String, PlainValue)] = [("r", 2), ("use_rslora", true)]
    let layers = try SmallLayers(LoRA.self, other, count: 2) {
      $0.targets = [try Pattern("blocks.1.fc")]
    }
    #expect {
      try start(layers, from: directory, other)
    } throws: { error in
      let text = "\(error)"
      return text.contains("r: 2, the file has 4") && text.contains("use_rslora: true")
        && text.contains("blocks.1.fc: rank 2") && text.contains("blocks.0.fc: not adapted")
    }
    #expect {
      try start(try SmallLayers(Hydra.self, [("r", 4)]), from: directory, [("r", 4)])
    } throws: { "\($0)".contains("method: hydra, the file has lora") }
    #expect {
      try start(
        try SmallLayers(LoRA.self, [("r", 4), ("alpha", 8)], count: 2), from: directory,
        [("r", 4), ("alpha", 8)], digest: "feed")
    } throws: { "\($0)".contains("0123456789abcdef") && "\($0)".contains("feed") }
  }

  @Test("lets dropout differ")
  func dropout() throws {
    let folder = try TemporaryDirectory()
    let directory = try saved(SmallLayers(LoRA.self, [("r", 4)]), in: folder)
    let options: [(String, PlainValue)] = [("r", 4), ("dropout", 0.5)]
    try start(try SmallLayers(LoRA.self, options), from: directory, options)
  }
}
