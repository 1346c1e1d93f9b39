import Datasets
import Formats
import Tensors

/// The share of bands outside the training range at every pixel, as a raster on the input's grid.
struct OutlierRaster {
  let path: String
  /// Mean over the pixels that have values.
  let share: Double

  /// Rows that are read at a time.
  private static let strip = 256

  /// Writes `BASE_ood.tif`.
  init(_ input: SamplePrediction.Input, _ predictor: SamplePrediction, base: String) throws {
    let scene = input.scene
    var layout = RasterLayout(
      width: scene.width, height: scene.height, elementType: .float32,
      bands: ["share of bands outside the training range"])
    layout.geoReference = scene.geoReference
    layout.metadata = predictor.metadata(input)
    layout.noData = .nan
    let writer = try RasterWriter(path: base + "_ood.tif", layout: layout)
    var (sum, count) = (0.0, 0)
    for row in stride(from: 0, to: scene.height, by: Self.strip) {
      let window = RasterFile.Window(
        column: 0, row: row, width: scene.width, height: min(Self.strip, scene.height - row))
      let shares = try scene.outlierShares(in: window)
      try shares.withElements(of: Float.self) { values in
        for value in values where !value.isNaN {
          sum += Double(value)
          count += 1
        }
        try writer.append(values)
      }
    }
    try writer.commit()
    path = writer.path
    share = sum / Double(max(1, count))
  }
}
