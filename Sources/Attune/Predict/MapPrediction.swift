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
        largestOutlierShare: try predictor.request.marksOutliers
          ? outliers(input, base: base).share : nil)
    }
    var classes = target.kind == .classMap ? ClassMap(input, predictor, base: base) : nil
    let writer = try RasterWriter(
      path: base + "_prediction.tif", layout: layout(input))
    try tiled(input) { rows, outputs in
      let missing = try input.scene.missing(
        in: .init(column: 0, row: rows.lowerBound, width: input.scene.width, height: rows.count))
      switch target.kind {
      case .classMap:
        var decisions = outputs.decisions
        for pixel in missing.indices where missing[pixel] { decisions[pixel] = -1 }
        classes?.add(decisions)
        try append(decisions, to: writer)
      default:
        var values = predictor.task.prediction(
          outputs.reshaped(to: [1] + outputs.shape)
        ).elements(as: Float.self)
        for pixel in missing.indices where missing[pixel] {
          for place in stride(from: pixel, to: values.count, by: missing.count) {
            values[place] = .nan
          }
        }
        try writer.append(values)
      }
    }
    let share = try predictor.request.marksOutliers ? outliers(input, base: base) : nil
    try writer.commit()
    var prediction = Prediction(
      input: input.text, output: writer.path, accepted: input.accepted,
      largestOutlierShare: share?.share)
    if let classes { prediction.files += try classes.write() }
    if let share { prediction.files.append(share.path) }
    return prediction
  }

  // MARK: Layout

  /// No class: what pixels get where the model gave no number.
  private static let noClass = 255

  private func layout(_ input: SamplePrediction.Input) -> RasterLayout {
    let isClasses = target.kind == .classMap
    let isNarrow = target.names.count <= Self.noClass
    var layout = RasterLayout(
      width: input.scene.width, height: input.scene.height,
      elementType: isClasses ? (isNarrow ? .uint8 : .uint16) : .float32,
      bands: isClasses ? ["class"] : target.names)
    layout.geoReference = input.scene.geoReference
    layout.metadata = predictor.metadata(input)
    if isClasses {
      layout.noData = Double(isNarrow ? Self.noClass : Int(UInt16.max))
      if isNarrow { layout.colors = ClassPalette.colors(target.names.count).map { $0 + [255] } }
      for (number, name) in target.names.enumerated() {
        layout.metadata["class_\(number)"] = name
      }
    } else {
      layout.noData = .nan
    }
    return layout
  }

  private func append(_ classes: [Int32], to writer: RasterWriter) throws {
    if writer.layout.elementType == .uint8 {
      try writer.append(classes.map { $0 < 0 ? UInt8(Self.noClass) : UInt8($0) })
    } else {
      try writer.append(classes.map { $0 < 0 ? UInt16.max : UInt16($0) })
    }
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

  // MARK: Outliers

  /// Rows that are read at a time.
  private static let strip = 256

  /// Writes the shares of bands outside the training range, and gives their mean.
  private func outliers(
    _ input: SamplePrediction.Input, base: String
  ) throws -> (path: String, share: Double) {
    let scene = input.scene
    var layout = RasterLayout(
      width: scene.width, height: scene.height, elementType: .float32,
      bands: ["share of bands outside the training range"])
    layout.geoReference = scene.geoReference
    layout.metadata = predictor.metadata(input)
    let writer = try RasterWriter(path: base + "_ood.tif", layout: layout)
    var sum = 0.0
    for row in stride(from: 0, to: scene.height, by: Self.strip) {
      let window = RasterFile.Window(
        column: 0, row: row, width: scene.width, height: min(Self.strip, scene.height - row))
      let shares = try scene.outlierShares(in: window)
      sum += shares.mean * Double(window.height) / Double(scene.height)
      try shares.withElements(of: Float.self) { try writer.append($0) }
    }
    try writer.commit()
    return (writer.path, sum)
  }
}
