import Datasets
import Formats
import Recipes
import Tasks
import Tensors

/// A scene, pixel by pixel: what tasks with a class for a patch write of every pixel in its middle.
struct PatchPrediction {
  let predictor: SamplePrediction

  /// Predicts one scene and writes `NAME_prediction.tif`, a picture and the areas, for `--ood` the
  /// shares of bands outside the training range.
  ///
  /// Pixels without values get no class.
  func write(_ input: SamplePrediction.Input, to folder: String) throws -> Prediction {
    let base = "\(folder)/\(input.name)"
    let scene = input.scene
    var raster = try ClassRaster(input, predictor, base: base)
    let strip = max(1, Self.stripPixels / max(1, scene.width))
    for first in stride(from: 0, to: scene.height, by: strip) {
      try raster.append(classes(scene, rows: first..<min(first + strip, scene.height)))
    }
    let outliers =
      try predictor.request.marksOutliers
      ? OutlierRaster(input, predictor, base: base) : nil
    let files = try raster.commit()
    return Prediction(
      input: input.text, output: files.path,
      files: files.files + (outliers.map { [$0.path] } ?? []), accepted: input.accepted,
      largestOutlierShare: outliers?.share)
  }

  /// Pixels whose classes are found before they are written, at least a row.
  private static let stripPixels = 4096
  /// Pixels that go through the model together.
  private static let batchSize = 32

  /// Classes of full rows, -1 for none.
  private func classes(_ scene: any PredictionScene, rows: Range<Int>) throws -> [Int32] {
    let pixels = rows.count * scene.width
    let batches = (pixels + Self.batchSize - 1) / Self.batchSize
    let decided = try concurrentResults(batches, threads: predictor.threads) { batch -> [Int32] in
      let first = batch * Self.batchSize
      let places = first..<min(first + Self.batchSize, pixels)
      var classes = [Int32](repeating: -1, count: places.count)
      var samples: [(place: Int, fields: [String: Tensor])] = []
      for place in places {
        let (row, column) = (rows.lowerBound + place / scene.width, place % scene.width)
        if let fields = try scene.patch(row: row, column: column) {
          samples.append((place - first, fields))
        }
      }
      guard !samples.isEmpty else { return classes }
      let output = predictor.output(stackedFields(samples.map(\.fields)))
      let prediction = predictor.task.prediction(output)
      for (number, sample) in samples.enumerated() {
        classes[sample.place] = prediction.row(number).decisions[0]
      }
      return classes
    }
    return decided.flatMap(\.self)
  }
}
