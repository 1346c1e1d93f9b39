import Adapters
import Checkpoints
import Formats
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("First values of adapters")
struct InitializationTests {
  private static let names = [
    DefaultStart.name, GaussianStart.name, OLoRA.name, OrthogonalStart.name, PiSSA.name,
  ]

  /// A layer of a kind, with LoRA of rank 4 and scaling 1.5 that starts as `name` says.
  private struct Started {
    let tree: ModuleTree
    let site: AdaptationSite
    let adapter: AttachedAdapter
    let plain: Tensor
    let forward: (Tensor?) -> Tensor

    init(_ name: String, convolution: Bool = false, rows: Bool = false, dora: Bool = false) throws {
      let builder = ModelBuilder()
      let input: Tensor
      let run: (Tensor) -> Tensor
      if convolution {
        let layer = Convolution(builder.root / "layer", inputs: 3, outputs: 7, kernel: [3, 3])
        input = FiniteDifferences.values([2, 3, 5, 5], seed: 3).cast(to: .f32)
        run = { layer($0, .evaluation) }
      } else {
        let layer = Linear(builder.root / "layer", inputs: 9, outputs: 12)
        input = FiniteDifferences.values([3, 9], seed: 3).cast(to: .f32)
        run = { layer($0, .evaluation) }
      }
      tree = builder.tree
      tree.initialize(seed: 2)
      for parameter in tree.parameters { parameter.isTrainable = false }
      site = tree.sites[0]
      plain = run(input)
      var settings = AdapterSettings(name: "test", method: "lora")
      settings.targets = [try Pattern(rows ? "layer[2:6,8:12]" : "layer")]
      let diagnostics = Diagnostics()
      let type = try adapterInitializations.entry(named: name)
      settings.initialization = type.init(
        OptionReader(
          Located(plain: .map([]), at: SourceLocation(source: "test")), type.options, diagnostics),
        diagnostics)
      adapter = try AttachedAdapter(
        settings, method: LoRA(LowRank(rank: 4, alpha: 6), form: dora ? .magnitudes : .pair),
        on: tree, defaults: [], seed: 5)
      forward = { run($0 ?? input) }
    }

    func perturb() {
      for (index, parameter) in adapter.parameters.enumerated() {
        let moved = FiniteDifferences.values(parameter.shape, seed: 70 + index).scaled(by: 0.3)
        parameter.value = (parameter.value.cast(to: .f64) + moved).cast(to: .f32)
      }
    }
  }

  @Test("leave the first output as it was", arguments: names, [false, true])
  func zeroStart(name: String, convolution: Bool) throws {
    for dora in [false, true] {
      let started = try Started(name, convolution: convolution, dora: dora)
      let error = started.forward(nil).largestDifference(from: started.plain)
      #expect(error <= 3e-6 * started.plain.largestMagnitude, "dora \(dora)")
    }
    let ups = try Started(name).adapter.parameters.filter { $0.path.hasSuffix("lora_B.weight") }
    let isDrawn = name != DefaultStart.name && name != GaussianStart.name
    #expect(ups.allSatisfy { ($0.value.largestMagnitude > 0) == isDrawn })
  }

  @Test("go out as plain pairs that hold beside the base", arguments: names, [false, true])
  func export(name: String, rows: Bool) throws {
    for dora in [false, true] {
      let folder = try TemporaryDirectory()
      let started = try Started(name, rows: rows, dora: dora)
      started.perturb()
      let wanted = started.forward(nil)
      try started.adapter.save(
        to: folder.path("a"), base: nil, baseDigest: "d", on: started.tree,
        modules: try PortableModules(started.adapter, on: started.tree) { $0 })
      let directory = try PEFTDirectory(reading: folder.path("a"))
      let isOffset = [PiSSA.name, OLoRA.name].contains(name)
      let rank = 4 * (rows ? 2 : 1) * (isOffset ? 2 : 1)
      #expect(directory.configuration["r"]?.integer == rank)
      started.site.detachAll()
      let opened = try OpenedAdapter(
        PEFTDirectory(reading: Self.withoutTargets(folder.path("a"))), adapterMethods)
      _ = try opened.attach(named: "again", on: started.tree, layouts: [], baseDigest: "d")
      let again = started.forward(nil)
      #expect(again.largestDifference(from: wanted) <= 1e-5 * wanted.largestMagnitude)
    }
  }

  /// The directory without this program's own file, as PEFT would have written it.
  private static func withoutTargets(_ path: String) throws -> String {
    try FileManager.default.removeItem(atPath: path + "/" + PEFTDirectory.extrasName)
    return path
  }

  @Test("take the largest singular terms, the smallest left to the frozen rest")
  func principal() throws {
    let started = try Started(PiSSA.name)
    let parts = started.site.weight.value.singularValues()
    let values = parts.values.elements(as: Float.self)
    let pair = started.adapter.parameters
    let product = matrixProduct(pair[1].value, pair[0].value).scaled(by: 1.5)
    let rest = started.site.weight.value - product
    let left = rest.singularValues().values.elements(as: Float.self)
    for index in 0..<5 { #expect(abs(left[index] - values[index + 4]) < 1e-5) }
    let orthonormal = try Started(OLoRA.name).adapter.parameters[1].value
    let gram = matrixProduct(orthonormal.permuted([1, 0]), orthonormal).elements(as: Float.self)
    for (index, value) in gram.enumerated() {
      #expect(abs(value - (index % 5 == 0 ? 1 : 0)) < 1e-6)
    }
  }

  @Test("refuse ranks beyond the singular vectors, odd ranks, and groups")
  func refusals() throws {
    let builder = ModelBuilder()
    let site = Linear(builder.root / "fc", inputs: 3, outputs: 5).site
    builder.tree.initialize(seed: 1)
    let plan = AdapterPreparation(seed: 0)
    let large = AdapterTarget(site: site, rank: 4, alpha: 4)
    #expect(throws: AdapterError.rankTooLarge(module: "fc", rank: 4, limit: 3, method: "pissa")) {
      try PiSSA().prepared([large], plan)
    }
    #expect(throws: AdapterError.self) { try OLoRA().prepared([large], plan) }
    let diagnostics = Diagnostics()
    let none = OptionReader(
      Located(plain: .map([]), at: SourceLocation(source: "test")), [], diagnostics)
    #expect(throws: AdapterError.self) {
      try OrthogonalStart(none, diagnostics).prepared(
        [AdapterTarget(site: site, rank: 3, alpha: 3)], plan)
    }
  }
}
