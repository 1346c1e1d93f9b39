import Formats
import Foundation
import Synchronization
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("Tiled inference") struct TiledInferenceTests {
  /// Smooth and rough values between -1 and 1, `[channel, row, column]`.
  private func raster(_ channels: Int, _ height: Int, _ width: Int) -> [Float] {
    (0..<(channels * height * width)).map { index in
      0.5 * sin(Float(index) * 0.37) + 0.5 * cos(Float(index % 101))
    }
  }

  private struct Outcome: Equatable {
    var ranges: [Range<Int>] = []
    var values: [Float] = []
  }

  /// Result `[output, row, column]` of a whole raster.
  private func predict(
    _ source: [Float], _ plan: TilePlan, batch: Int = 4, threads: Int = 2,
    model: TiledInference.Model
  ) throws -> Outcome {
    let channels = source.count / (plan.width * plan.height)
    let whole = Tensor(source, shape: [channels, plan.height, plan.width])
    var outcome = Outcome()
    var planes: [[Float]] = []
    try TiledInference(plan: plan, batch: batch, threads: threads).run(
      read: { window in
        whole.sliced(axis: 1, window.row..<(window.row + window.height))
          .sliced(axis: 2, window.column..<(window.column + window.width))
      }, model: model,
      sink: { rows, values in
        outcome.ranges.append(rows)
        #expect(Array(values.shape.dropFirst()) == [rows.count, plan.width])
        if planes.isEmpty { planes = Array(repeating: [], count: values.shape[0]) }
        for output in planes.indices {
          planes[output] += values.sliced(axis: 0, output..<(output + 1)).elements(as: Float.self)
        }
      })
    outcome.values = planes.flatMap { $0 }
    return outcome
  }

  struct Size: Sendable, CustomTestStringConvertible {
    let width, height, crop, stride: Int
    var testDescription: String { "\(width)×\(height), \(crop)/\(stride)" }
  }

  static let sizes = [
    Size(width: 50, height: 70, crop: 16, stride: 12),
    Size(width: 64, height: 64, crop: 16, stride: 16),
    Size(width: 33, height: 21, crop: 7, stride: 1),
    Size(width: 16, height: 100, crop: 16, stride: 5),
    Size(width: 17, height: 16, crop: 16, stride: 9),
    Size(width: 5, height: 40, crop: 16, stride: 8),
    Size(width: 40, height: 9, crop: 16, stride: 8),
    Size(width: 3, height: 2, crop: 16, stride: 8), Size(width: 1, height: 1, crop: 8, stride: 8),
    Size(width: 9, height: 7, crop: 1, stride: 1),
  ]

  /// Rounding of a sum of weights that are rounded themselves.
  private static let tolerance: Float = 1e-6

  @Test("a model that changes nothing gives the raster back", arguments: sizes)
  func identity(size: Size) throws {
    let source = raster(2, size.height, size.width)
    let plan = try TilePlan(
      width: size.width, height: size.height, crop: size.crop, stride: size.stride)
    let outcome = try predict(source, plan) { $0 }
    #expect(outcome.ranges.first?.lowerBound == 0)
    #expect(outcome.ranges.last?.upperBound == size.height)
    #expect(
      zip(outcome.ranges, outcome.ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    #expect(outcome.values.count == source.count)
    let worst = zip(outcome.values, source).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst <= Self.tolerance, "\(worst)")
  }

  @Test("a constant stays constant, with other outputs than channels", arguments: sizes)
  func constant(size: Size) throws {
    let plan = try TilePlan(
      width: size.width, height: size.height, crop: size.crop, stride: size.stride)
    let outcome = try predict(raster(3, size.height, size.width), plan) { tiles in
      Tensor(
        [Float](repeating: 0.75, count: tiles.shape[0] * 2 * size.crop * size.crop),
        shape: [tiles.shape[0], 2, size.crop, size.crop])
    }
    #expect(outcome.values.count == 2 * size.width * size.height)
    #expect(outcome.values.allSatisfy { abs($0 - 0.75) <= Self.tolerance })
  }

  /// Each value plus its distance from the tile's corner, so that tiles disagree where they overlap.
  private static let disagreeing: TiledInference.Model = { tiles in
    let side = tiles.shape[3]
    let values = tiles.elements(as: Float.self).enumerated().map { index, value in
      value + 0.01 * Float(index % side) + 0.003 * Float(index / side % side)
    }
    return Tensor(values, shape: tiles.shape)
  }

  @Test("no bit depends on batch or threads") func sameBits() throws {
    let source = raster(3, 61, 83)
    let plan = try TilePlan(width: 83, height: 61, crop: 16, stride: 7)
    let expected = try predict(
      source, plan, batch: 1, threads: 1, model: Self.disagreeing)
    for (batch, threads) in [(1, 3), (2, 1), (5, 2), (64, 1), (64, 4), (3, 7)] {
      let found = try predict(
        source, plan, batch: batch, threads: threads, model: Self.disagreeing)
      #expect(found == expected, "batch \(batch), \(threads) threads")
    }
  }

  @Test("tiles weigh most in their middle, and where they meet the result is smooth")
  func blending() throws {
    // Two tiles overlap in columns 4 to 7; the first says 0, the second 1.
    let plan = try TilePlan(width: 12, height: 8, crop: 8, stride: 4)
    #expect(plan.columns == [0, 4])
    let outcome = try predict(
      (0..<96).map { Float($0 % 12) }, plan, batch: 2, threads: 1
    ) { tiles in
      let starts = tiles.elements(as: Float.self)
      return Tensor(
        (0..<starts.count).map { starts[$0 / 64 * 64] < 4 ? Float(0) : 1 }, shape: tiles.shape)
    }
    let row = Array(outcome.values.prefix(12))
    #expect(row.prefix(4).allSatisfy { $0 == 0 })
    #expect(row.suffix(4).allSatisfy { abs($0 - 1) <= Self.tolerance })
    #expect(zip(row[3...8], row[4...8]).allSatisfy { $0 < $1 })
    // sin²(π · ½ / 8) against sin²(π · 4½ / 8), each with the floor.
    let (near, far) = (0.001 + 0.999 * 0.0380602, 0.001 + 0.999 * 0.9619398)
    #expect(abs(Double(row[4]) - near / (near + far)) < 1e-5)
  }

  @Test("beyond the border of a small raster lies its mirror image, or its last pixel")
  func padding() throws {
    let seen = Mutex<[Float]>([])
    func tile(width: Int) throws -> [Float] {
      let plan = try TilePlan(width: width, height: 1, crop: 6, stride: 6)
      _ = try predict((0..<width).map { Float($0) }, plan) { tiles in
        seen.withLock { $0 = tiles.elements(as: Float.self) }
        return tiles
      }
      return seen.withLock { $0 }
    }
    #expect(try tile(width: 4).prefix(6) == [0, 1, 2, 3, 2, 1])
    #expect(try tile(width: 2).prefix(6) == [0, 1, 1, 1, 1, 1])
    // A single row is repeated below.
    #expect(try tile(width: 4).suffix(6) == [0, 1, 2, 3, 2, 1])
  }

  @Test("the last tiles end at the border, and every pixel has its tile", arguments: sizes)
  func plan(size: Size) throws {
    let plan = try TilePlan(
      width: size.width, height: size.height, crop: size.crop, stride: size.stride)
    for (starts, length) in [(plan.rows, size.height), (plan.columns, size.width)] {
      #expect(starts.first == 0)
      #expect(starts.last == max(0, length - size.crop))
      #expect(zip(starts, starts.dropFirst()).allSatisfy { (1...size.stride).contains($1 - $0) })
    }
    #expect(plan.count == plan.rows.count * plan.columns.count)
  }

  @Test("plans with gaps, without pixels or without tiles are refused") func refusals() {
    for (width, height, crop, stride) in [(0, 5, 4, 4), (5, 5, 0, 1), (5, 5, 4, 5), (5, 5, 4, 0)] {
      let error = #expect(throws: TaskError.self) {
        try TilePlan(width: width, height: height, crop: crop, stride: stride)
      }
      #expect(error?.description.contains("eval.tiled_inference") == true)
    }
  }

  private struct Failure: Error, Equatable { let tile: Float }

  @Test("the first failing tile's error is thrown, and nothing further is handed out")
  func failures() throws {
    let plan = try TilePlan(width: 40, height: 40, crop: 8, stride: 8)
    var finished = 0
    let error = #expect(throws: Failure.self) {
      try TiledInference(plan: plan, batch: 1, threads: 3).run(
        read: { window in
          Tensor(
            (0..<(window.width * window.height)).map { index in
              Float((window.row + index / window.width) * 40 + window.column + index % window.width)
            }, shape: [1, window.height, window.width])
        },
        model: { tiles in
          let first = tiles.elements(as: Float.self)[0]
          guard first < 40 * 8 + 8 else { throw Failure(tile: first) }
          return tiles
        }, sink: { rows, _ in finished += rows.count })
    }
    #expect(error == Failure(tile: 40 * 8 + 8))
    #expect(finished == 8)
  }

  @Test("memory does not grow with the height") func memory() async throws {
    await #expect(processExitsWith: .success) {
      for height in [500, 5000] {
        let plan = try TilePlan(width: 400, height: height, crop: 64, stride: 48)
        Allocator.shared.resetPeak()
        let before = Allocator.shared.statistics.bytesInUse
        try TiledInference(plan: plan, batch: 4, threads: 2).run(
          read: { Tensor(zeros: [2, $0.height, $0.width]) },
          model: { Tensor(zeros: [$0.shape[0], 5, 64, 64]) }, sink: { _, _ in })
        let bytes = Allocator.shared.statistics.peakBytesInUse - before
        // Eight tiles of 2 channels, cut and uncut, and of 5 outputs, beside the canvas.
        let tiles = 8 * 64 * 64 * (2 + 2 + 5)
        let bound = 4 * (plan.bufferElementCount(outputs: 5) + tiles)
        // The allocator rounds up by an eighth at most.
        precondition(bytes <= bound + bound / 8, "\(height) rows: \(bytes) of \(bound)")
      }
    }
  }
}
