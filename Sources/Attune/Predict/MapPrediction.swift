import Backbones
import Datasets
import Foundation
import Formats
import Recipes
import Tasks
import Tensors

/// A raster or picture for each input, tile by tile: what tasks with an answer for every pixel write.
struct MapPrediction {
  let predictor: SamplePrediction

  private var target: TargetDescription { predictor.task.target }

  /// Predicts one input and writes `NAME_prediction.tif` or `.png`, for classes also a picture and the
  /// areas, for `--ood` the shares of bands outside the training range.
  func write(_ input: SamplePrediction.Input, to folder: String) throws -> Prediction {
    let base = "\(folder)/\(input.name)"
    if target.kind == .image,
      var picture = try PicturePrediction(
        of: input.scene.path, channels: target.names.count, path: base + "_prediction.png")
    {
      try tiled(input) { picture.append($1) }
      return Prediction(
        input: input.text, output: try picture.write(), accepted: input.accepted,
        largestOutlierShare: try outliers(input, base: base)?.share)
    }
    let written =
      try target.kind == .classMap ? classes(input, base: base) : values(input, base: base)
    let outliers = try outliers(input, base: base)
    return Prediction(
      input: input.text, output: written.path,
      files: written.files + (outliers.map { [$0.path] } ?? []), accepted: input.accepted,
      largestOutlierShare: outliers?.share)
  }

  private func outliers(
    _ input: SamplePrediction.Input, base: String
  ) throws -> OutlierRaster? {
    try predictor.request.marksOutliers ? OutlierRaster(input, predictor, base: base) : nil
  }

  private func classes(
    _ input: SamplePrediction.Input, base: String
  ) throws -> (path: String, files: [String]) {
    var raster = try ClassRaster(input, predictor, base: base)
    try tiled(input) { rows, outputs in
      var decisions = outputs.decisions
      let missing = try missing(input, rows)
      for pixel in missing.indices where missing[pixel] { decisions[pixel] = -1 }
      try raster.append(decisions)
    }
    return try raster.commit()
  }

  private func values(
    _ input: SamplePrediction.Input, base: String
  ) throws -> (path: String, files: [String]) {
    var layout = RasterLayout(
      width: input.scene.width, height: input.scene.height, elementType: .float32,
      bands: target.names)
    layout.geoReference = input.scene.geoReference
    layout.metadata = predictor.metadata(input)
    layout.noData = .nan
    let writer = try RasterWriter(path: base + "_prediction.tif", layout: layout)
    try tiled(input) { rows, outputs in
      var values = predictor.task.prediction(
        outputs.reshaped(to: [1] + outputs.shape)
      ).elements(as: Float.self)
      let missing = try missing(input, rows)
      for pixel in missing.indices where missing[pixel] {
        for place in stride(from: pixel, to: values.count, by: missing.count) {
          values[place] = .nan
        }
      }
      try writer.append(values)
    }
    try writer.commit()
    return (writer.path, [])
  }

  /// Whether each pixel of full rows has no data.
  private func missing(_ input: SamplePrediction.Input, _ rows: Range<Int>) throws -> [Bool] {
    try input.scene.missing(
      in: .init(column: 0, row: rows.lowerBound, width: input.scene.width, height: rows.count))
  }

  // MARK: Tiles

  /// Tiles where the recipe names none: as large as a training sample.
  private var tiles: EvalSection.Tiles {
    if let tiles = predictor.run.plan.recipe.evaluation.tiles { return tiles }
    let shape = predictor.run.sampleShapes.values.first ?? [1, 64, 64]
    let crop = max(1, min(shape[1], shape[2]))
    return .init(crop: crop, stride: max(1, crop - crop / 4), batch: 4)
  }

  /// Raw outputs `[output, row, column]` of rows, from above to below.
  private func tiled(
    _ input: SamplePrediction.Input, sink: (Range<Int>, Tensor) throws -> Void
  ) throws {
    let scene = input.scene
    if let whole = try whole(input) { return try sink(0..<scene.height, whole) }
    let corner = RasterFile.Window(
      column: 0, row: 0, width: min(tiles.crop, scene.width),
      height: min(tiles.crop, scene.height))
    try TiledModel(predictor.model, tiles, like: scene.fields(in: corner)).run(
      width: scene.width, height: scene.height, threads: predictor.threads,
      read: scene.fields, sink: sink)
  }

  /// Pixels of a raster that goes through the model in one piece, at most.
  private static let largestWhole = 1 << 21

  /// Outputs of a raster in one piece, as evaluation does it, where the recipe names no tiles and the
  /// model takes its size.
  private func whole(_ input: SamplePrediction.Input) throws -> Tensor? {
    let scene = input.scene
    guard predictor.run.plan.recipe.evaluation.tiles == nil,
      scene.width * scene.height <= Self.largestWhole
    else { return nil }
    let window = RasterFile.Window(column: 0, row: 0, width: scene.width, height: scene.height)
    do {
      return predictor.output(try predictor.batch(scene, window)).row(0)
    } catch is BackboneError {
      return nil
    }
  }
}
