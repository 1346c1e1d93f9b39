/// A predicted class raster beside the true one, `[height, width]`, row-major.
package struct ClassMapPair: Sendable {
  package let height: Int
  package let width: Int
  /// K; classes have the numbers 0..<K.
  package let classes: Int
  /// Class of each pixel, -1 where the truth is ignored: such pixels belong to no class.
  package let prediction: [Int32]
  package let truth: [Int32]
  /// A pixel that counts has no prediction.
  package let isUndecided: Bool

  /// - Parameters:
  ///   - prediction: classes, -1 where there is none, `[height, width]`.
  ///   - truth: classes or the ignored value, `[height, width]`.
  ///   - height: rows.
  ///   - width: pixels of a row.
  ///   - classes: K.
  ///   - ignored: value of the truth where nothing is counted.
  package init(
    prediction: [Int32], truth: [Int32], height: Int, width: Int, classes: Int,
    ignoring ignored: Int
  ) {
    precondition(
      prediction.count == height * width && truth.count == height * width,
      "\(prediction.count) predictions and \(truth.count) truths for \(height) × \(width) pixels")
    self.height = height
    self.width = width
    self.classes = classes
    var (counted, known) = (prediction, truth)
    var isUndecided = false
    for pixel in truth.indices {
      if Int(truth[pixel]) == ignored {
        counted[pixel] = -1
        known[pixel] = -1
      } else if prediction[pixel] < 0 {
        isUndecided = true
      }
    }
    self.prediction = counted
    self.truth = known
    self.isUndecided = isUndecided
  }
}
