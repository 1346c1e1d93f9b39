package import Formats
package import Tensors

/// Files of one scene that a trained model predicts from, read as its training data were.
package protocol PredictionScene: Sendable {
  /// File of the first input: predictions are named after it.
  var path: String { get }
  var width: Int { get }
  var height: Int { get }
  /// Where its pixels lie on the ground; nothing where the format does not say.
  var geoReference: GeoReference { get }
  /// Meters per pixel; nil where unknown or pixels are not square.
  var resolution: Double? { get }
  /// What its inputs are, by name, with quantiles of some of their values.
  func found() throws -> [String: ImageContract]

  /// The inputs in a window as a sample holds them, without target.
  func fields(in window: RasterFile.Window) throws -> [String: Tensor]

  /// Whether each pixel of a window, `[row, column]`, has no data in some input: nothing is predicted
  /// there.
  func missing(in window: RasterFile.Window) throws -> [Bool]

  /// For every pixel of a window the share of bands outside the training range, f32 `[row, column]`;
  /// NaN where a scene tells that a pixel has no values.
  func outlierShares(in window: RasterFile.Window) throws -> Tensor

  /// Side of the patch around a pixel that a sample is; nil where samples are windows.
  var patchSide: Int? { get }

  /// The inputs of the sample around a pixel, without target, where samples are patches; nil for a
  /// pixel without values.
  func patch(row: Int, column: Int) throws -> [String: Tensor]?
}

extension PredictionScene {
  package var patchSide: Int? { nil }
  package func patch(row: Int, column: Int) throws -> [String: Tensor]? { nil }
}
