/// Whether some pixels of a set lie near a pixel, by a table of sums.
struct PixelNeighborhood {
  private let width: Int
  private let height: Int
  /// Number of the set's pixels above and left, `[height + 1, width + 1]`.
  private var sums: [Int]

  init(_ labels: SceneLabels, of pixels: [Int]) {
    (width, height) = (labels.width, labels.height)
    let step = width + 1
    sums = [Int](repeating: 0, count: (height + 1) * step)
    for pixel in pixels { sums[(pixel / width + 1) * step + pixel % width + 1] = 1 }
    for row in 1...height {
      for column in 1...width {
        sums[row * step + column] +=
          sums[(row - 1) * step + column] + sums[row * step + column - 1]
          - sums[(row - 1) * step + column - 1]
      }
    }
  }

  /// Whether a pixel of the set lies at most `reach` rows and columns away.
  func contains(_ pixel: Int, within reach: Int) -> Bool {
    let (row, column) = (pixel / width, pixel % width)
    let (top, bottom) = (max(0, row - reach), min(height, row + reach + 1))
    let (left, right) = (max(0, column - reach), min(width, column + reach + 1))
    let step = width + 1
    return sums[bottom * step + right] - sums[top * step + right] - sums[bottom * step + left]
      + sums[top * step + left] > 0
  }
}
