import Backbones
import Formats
import Layers
import Recipes
import Tasks
import Tensors

/// A model that predicts images larger than its tiles, whose inputs are read side by side.
struct TiledModel {
  private let model: AssembledModel
  private let tiles: EvalSection.Tiles
  /// Images of a sample by name, with their channels.
  private let images: [(name: String, channels: Int)]
  /// What belongs to them, the same for every tile.
  private let rest: [String: Tensor]

  /// For samples like one: its fields without the batch axis.
  ///
  /// - Throws: `BackboneError` where the model does not take the tiles.
  init(_ model: AssembledModel, _ tiles: EvalSection.Tiles, like sample: [String: Tensor]) throws {
    self.model = model
    self.tiles = tiles
    images = sample.keys.sorted().compactMap { name in
      guard model.inputNames.isInput(name), let image = sample[name], image.rank == 3 else {
        return nil
      }
      return (name, image.shape[0])
    }
    let names = Set(images.map(\.name))
    rest = sample.filter { model.inputNames.isInput($0.key) && !names.contains($0.key) }
    let shapes = images.map { ($0.name, [$0.channels, tiles.crop, tiles.crop]) }
    try model.network.check(
      model.inputNames.shapes(Dictionary(shapes) { first, _ in first }))
  }

  /// Raw outputs `[output, row, column]` of rows from above to below.
  ///
  /// `read` gives the fields of a window.
  func run(
    width: Int, height: Int, threads: Int,
    read: (RasterFile.Window) throws -> [String: Tensor],
    sink: (Range<Int>, Tensor) throws -> Void
  ) throws {
    let plan = try TilePlan(
      width: width, height: height, crop: tiles.crop, stride: tiles.stride)
    try TiledInference(plan: plan, batch: tiles.batch, threads: threads).run(
      read: { window in
        let fields = try read(window)
        return .concatenated(images.compactMap { fields[$0.name] }, axis: 0)
      }, model: { output($0) }, sink: sink)
  }

  /// Outputs of tiles `[tile, channel, crop, crop]`.
  private func output(_ stack: Tensor) -> Tensor {
    var fields = rest.mapValues { value in
      let row = value.reshaped(to: [1] + value.shape)
      return Tensor.concatenated([Tensor](repeating: row, count: stack.shape[0]), axis: 0)
    }
    var first = 0
    for image in images {
      fields[image.name] = stack.sliced(axis: 1, first..<(first + image.channels)).copied()
      first += image.channels
    }
    return model.output(fields, .evaluation).detached()
  }
}
