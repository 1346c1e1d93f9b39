import Dispatch
package import Formats
import Synchronization
package import Tensors

/// Predictions for a raster of any size from a model that takes square tiles.
///
/// Tiles are read, predicted and blended row by row of tiles, and rows are handed out as soon as no
/// further tile touches them, so memory does not grow with the height: about
/// `plan.bufferElementCount(outputs:)` elements, and the tiles in work, `threads` · `batch` of input
/// and output. Each pixel sums its tiles in the order of the plan, whatever `batch` and `threads` are:
/// results are byte-identical where the model's are for any batch.
package struct TiledInference: Sendable {
  /// Predicts a batch.
  ///
  /// It takes f32 `[tile, channel, crop, crop]`, gives f32 `[tile, output, crop, crop]`, and is called
  /// on several threads.
  package typealias Model = @Sendable (Tensor) throws -> Tensor

  package let plan: TilePlan
  /// Most tiles that the model gets at once.
  package let batch: Int
  /// Threads that call the model, each with a batch of its own.
  package let threads: Int

  package init(plan: TilePlan, batch: Int, threads: Int) {
    precondition(batch > 0 && threads > 0, "batch \(batch) on \(threads) threads")
    self.plan = plan
    self.batch = batch
    self.threads = threads
  }

  /// Predicts the whole raster.
  ///
  /// - Parameters:
  ///   - read: gives a window inside the raster as f32 `[channel, height, width]`; called on the
  ///     calling thread, from above to below.
  ///   - model: predicts tiles.
  ///   - sink: takes finished rows, first to last without gaps, and their values
  ///     `[output, row, column]`; called on the calling thread.
  /// - Throws: what `read`, `model` or `sink` throws, at once; of several tiles the first one's.
  package func run(
    read: (RasterFile.Window) throws -> Tensor, model: Model,
    sink: (Range<Int>, Tensor) throws -> Void
  ) throws {
    let rowWeights = BlendingWeights(starts: plan.rows, crop: plan.crop, length: plan.height)
    let columnWeights = BlendingWeights(
      starts: plan.columns, crop: plan.crop, length: plan.width)
    var canvas: TileCanvas?
    for (number, row) in plan.rows.enumerated() {
      for tiles in waves {
        let strip = try strip(row: row, tiles: tiles, read)
        let outputs = try predictions(strip, tiles, model)
        let target = canvas ?? TileCanvas(plan: plan, outputs: outputs[0].shape[1])
        canvas = target
        target.add(
          outputs, at: tiles.map { plan.columns[$0] }, row: row,
          rowWeights: rowWeights.weights[number],
          columnWeights: tiles.map { columnWeights.weights[$0] }, threads: threads)
      }
      let finished = plan.finishedRows(after: number)
      if let canvas { try sink(finished, canvas.take(finished)) }
    }
  }

  /// Tiles of a row that are in work together, by their numbers.
  private var waves: [Range<Int>] {
    let size = batch * threads
    return stride(from: 0, to: plan.columns.count, by: size).map {
      $0..<min($0 + size, plan.columns.count)
    }
  }

  /// Pixels under some tiles of a row, `[channel, crop, column]`.
  private func strip(
    row: Int, tiles: Range<Int>, _ read: (RasterFile.Window) throws -> Tensor
  ) throws -> Tensor {
    let first = plan.columns[tiles.lowerBound]
    let end = plan.columns[tiles.upperBound - 1] + plan.crop
    let window = RasterFile.Window(
      column: first, row: row, width: min(end, plan.width) - first,
      height: min(plan.crop, plan.height - row))
    let values = try read(window)
    precondition(
      values.dtype == .f32 && values.rank == 3
        && Array(values.shape.dropFirst()) == [window.height, window.width],
      "\(values.dtype) \(values.shape) read for \(window)")
    return values.extended(height: plan.crop, width: end - first)
  }

  /// Results of the batches of some tiles of a row, in order.
  private func predictions(
    _ strip: Tensor, _ tiles: Range<Int>, _ model: Model
  ) throws -> [Tensor] {
    let size = min(batch, (tiles.count + threads - 1) / threads)
    let first = plan.columns[tiles.lowerBound]
    let batches = stride(from: tiles.lowerBound, to: tiles.upperBound, by: size).map {
      $0..<min($0 + size, tiles.upperBound)
    }
    let results = Mutex([Result<Tensor, any Error>?](repeating: nil, count: batches.count))
    DispatchQueue.concurrentPerform(iterations: batches.count) { number in
      let result = Result {
        try Allocator.withLane(number) {
          let starts = batches[number].map { plan.columns[$0] - first }
          return try model(strip.tiles(at: starts, side: plan.crop)).detached()
        }
      }
      results.withLock { $0[number] = result }
    }
    return try results.withLock { $0 }.enumerated().compactMap { number, result in
      guard let output = try result?.get() else { return nil }
      precondition(
        output.dtype == .f32 && output.rank == 4 && output.shape[0] == batches[number].count
          && Array(output.shape.dropFirst(2)) == [plan.crop, plan.crop],
        "\(output.dtype) \(output.shape) predicted for \(batches[number].count) tiles of side "
          + "\(plan.crop)")
      return output
    }
  }
}
