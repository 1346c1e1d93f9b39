import Adapters
import Layers
import Tensors
import TestSupport

/// Saved lora adapters of one linear layer, 8 inputs and 12 outputs.
struct SavedPairs {
  let folder: TemporaryDirectory
  let paths: [String]
  /// s B A of each.
  let changes: [Tensor]

  /// On the layer at `module`, one adapter of scaling 1.5 for each of the ranks.
  init(module: [String], ranks: [Int]) throws {
    folder = try TemporaryDirectory()
    var (paths, changes): ([String], [Tensor]) = ([], [])
    for rank in ranks {
      let builder = ModelBuilder()
      let scope = module.reduce(builder.root) { $0 / $1 }
      let layer = Linear(scope, inputs: 8, outputs: 12)
      builder.tree.initialize(seed: 4)
      var settings = AdapterSettings(name: "saved", method: LoRA.name)
      settings.targets = [try Pattern(module.joined(separator: "."))]
      let adapter = try AttachedAdapter(
        settings, method: LoRA(LowRank(rank: rank, alpha: 1.5 * Double(rank))), on: builder.tree,
        defaults: [], seed: 3)
      for (index, parameter) in adapter.parameters.enumerated() {
        parameter.value = FiniteDifferences.values(
          parameter.shape, seed: 7 * (paths.count + 1) + index
        ).cast(to: .f32)
      }
      paths.append(folder.path("adapter-\(paths.count)"))
      try adapter.save(to: paths[paths.count - 1], base: nil, baseDigest: "d1", on: builder.tree)
      changes.append(try layer.site.merged().weight - layer.site.weight.value)
    }
    (self.paths, self.changes) = (paths, changes)
  }

  /// On the layer of `AdaptedLayer`, made once.
  static let ofBattery = try? SavedPairs(module: ["block", "0", "layer"], ranks: [2, 1, 3])
}
