import Dispatch
import Tensors

/// Weighted sums of predictions for the rows under the current row of tiles.
///
/// Row `y` of the raster lies in slot `y mod crop`, so that rows handed out make place for new ones.
struct TileCanvas: Sendable {
  private let plan: TilePlan
  private let outputs: Int
  /// `[output, slot, column]`.
  private let sums: Tensor

  init(plan: TilePlan, outputs: Int) {
    self.plan = plan
    self.outputs = outputs
    sums = Tensor(zeros: [outputs, plan.crop, plan.width])
  }

  /// Adds batches of tiles of one row, in their order at every pixel.
  ///
  /// - Parameters:
  ///   - batches: `[tile, output, crop, crop]`.
  ///   - columns: first columns of the tiles of all batches.
  ///   - row: first row of the tiles.
  ///   - rowWeights: of the rows of each tile.
  ///   - columnWeights: of the columns of each tile.
  ///   - threads: each takes rows of its own.
  func add(
    _ batches: [Tensor], at columns: [Int], row: Int, rowWeights: [Float],
    columnWeights: [[Float]], threads: Int
  ) {
    precondition(
      batches.allSatisfy { $0.shape[1] == outputs },
      "\(batches.map(\.shape)) after \(outputs) outputs")
    let rows = min(plan.crop, plan.height - row)
    DispatchQueue.concurrentPerform(iterations: min(threads, rows)) { lane in
      for line in stride(from: lane, to: rows, by: min(threads, rows)) {
        var tile = 0
        for batch in batches {
          for place in 0..<batch.shape[0] {
            add(
              batch, place, line: line, slot: (row + line) % plan.crop, column: columns[tile],
              rowWeight: rowWeights[line], columnWeights: columnWeights[tile])
            tile += 1
          }
        }
      }
    }
  }

  /// Adds one row of one tile in all outputs.
  private func add(
    _ batch: Tensor, _ place: Int, line: Int, slot: Int, column: Int, rowWeight: Float,
    columnWeights: [Float]
  ) {
    let (crop, width) = (plan.crop, plan.width)
    let count = min(crop, width - column)
    batch.withElements(of: Float.self) { values in
      sums.withMutableElements(of: Float.self) { sums in
        columnWeights.withUnsafeBufferPointer { weights in
          for output in 0..<outputs {
            let source = ((place * outputs + output) * crop + line) * crop
            let target = (output * crop + slot) * width + column
            for index in 0..<count {
              sums[target + index] += values[source + index] * (rowWeight * weights[index])
            }
          }
        }
      }
    }
  }

  /// A copy of some rows, `[output, row, column]`, whose slots are cleared.
  func take(_ rows: Range<Int>) -> Tensor {
    let width = plan.width
    let result = Tensor(uninitialized: [outputs, rows.count, width])
    result.withMutableElements(of: Float.self) { result in
      sums.withMutableElements(of: Float.self) { sums in
        for output in 0..<outputs {
          for row in rows {
            let slot = (output * plan.crop + row % plan.crop) * width
            let target = (output * rows.count + row - rows.lowerBound) * width
            for column in 0..<width {
              result[target + column] = sums[slot + column]
              sums[slot + column] = 0
            }
          }
        }
      }
    }
    return result
  }
}
