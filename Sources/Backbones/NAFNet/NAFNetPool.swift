import Tensors

/// Means before channel attention: of the whole map, or of a window around each pixel
/// (arXiv 2112.04491, section 3.2).
struct NAFNetPool: Sendable {
  /// Height and width, nil for the whole map.
  let window: [Int]?

  /// The windows of one level are one and a half training images at its resolution.
  init(_ configuration: NAFNetConfiguration, level: Int) {
    window = configuration.localTrainingSize?.map { side in
      let unit = configuration.unit
      let atLevel = (side + unit - 1) / unit * unit >> level
      return atLevel * (3 * side / 2) / side
    }
  }

  /// From `[batch, channels, height, width]` to `[batch, channels, 1, 1]`, or to the same shape where
  /// the window is smaller than the map.
  ///
  /// A pixel too near to the edge for its window has the mean of the nearest one that has room.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let size = Array(x.shape[2...])
    let isLocal = window.map { zip($0, size).contains { $0 < $1 } } ?? false
    guard let window, isLocal else {
      return x.slidingMean(axis: 2, window: size[0]).slidingMean(axis: 3, window: size[1])
    }
    var means = x
    for axis in 0..<2 {
      means = means.slidingMean(axis: 2 + axis, window: min(window[axis], size[axis]))
    }
    for axis in 0..<2 {
      let missing = size[axis] - means.shape[2 + axis]
      means = means.paddedWithEdges(
        axis: 2 + axis, before: missing / 2, after: missing - missing / 2)
    }
    return means
  }
}
