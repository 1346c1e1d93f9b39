/// Where square tiles lie so that they cover a raster.
///
/// Tiles start every `stride` pixels; the last of each row and column ends at the border. A raster
/// smaller than a tile has one, which extends beyond its right or lower border.
package struct TilePlan: Sendable, Equatable {
  package let width: Int
  package let height: Int
  /// Side of a tile, in pixels.
  package let crop: Int
  package let stride: Int
  /// First rows of the rows of tiles, ascending.
  package let rows: [Int]
  /// First columns of the tiles of each row, ascending.
  package let columns: [Int]

  /// Plans the tiles of a raster.
  ///
  /// - Throws: `TaskError.imageDoesNotFit` for an empty raster, an empty tile, or a stride that leaves
  ///   gaps.
  package init(width: Int, height: Int, crop: Int, stride: Int) throws(TaskError) {
    func refusal(_ reason: String, _ mend: String) -> TaskError {
      .imageDoesNotFit(
        component: "eval.tiled_inference", imageSize: [height, width], reason: reason, mend: mend)
    }
    guard width > 0, height > 0 else {
      throw refusal("there is nothing to predict", "Give a raster of at least one pixel")
    }
    guard crop > 0 else {
      throw refusal("crop \(crop) holds no pixel", "Set eval.tiled_inference.crop to at least 1")
    }
    guard (1...crop).contains(stride) else {
      throw refusal(
        "stride \(stride) between tiles of \(crop) pixels does not cover it",
        "Set eval.tiled_inference.stride from 1 to crop")
    }
    self.width = width
    self.height = height
    self.crop = crop
    self.stride = stride
    rows = Self.starts(of: height, crop, stride)
    columns = Self.starts(of: width, crop, stride)
  }

  private static func starts(of length: Int, _ crop: Int, _ step: Int) -> [Int] {
    guard length > crop else { return [0] }
    let last = length - crop
    return Array(Swift.stride(from: 0, to: last, by: step)) + [last]
  }

  /// Number of tiles.
  package var count: Int { rows.count * columns.count }

  /// Rows of the raster that no tile touches after those of a row of tiles.
  package func finishedRows(after number: Int) -> Range<Int> {
    rows[number]..<(number + 1 < rows.count ? rows[number + 1] : height)
  }

  /// Largest number of elements that `TiledInference` holds of the result: the rows under a row of
  /// tiles, and those that are handed out.
  package func bufferElementCount(outputs: Int) -> Int {
    let handedOut = rows.indices.map { finishedRows(after: $0).count }.max() ?? 0
    return outputs * width * (crop + handedOut)
  }
}
