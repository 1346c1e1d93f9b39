import Datasets
import Recipes
import Tensors
import Testing

/// Written by `Golden/make_resizing.py`.
private struct GoldenResizing: Decodable {
  struct Case: Decodable {
    let size: [Int]
    let filter: String
    let antialias: Bool
    let values: String
  }
  let shape: [Int]
  let image: String
  let cases: [Case]

  static func stored() throws -> GoldenResizing {
    try GoldenFiles.stored("resizing.json", as: GoldenResizing.self)
  }
}

@Suite("Resampling")
struct ResamplingTests {
  /// Sums of single precision in another order; the libraries differ by as much from each other.
  private static let tolerance: Float = 1e-5

  @Test("agrees with torchvision and Pillow, up and down, odd sizes, each axis by its own factor")
  func agrees() throws {
    let golden = try GoldenResizing.stored()
    let values = try GoldenFiles.floats(golden.image)
    // A second channel must not mix with the first.
    let image = Tensor(values + values.map { 3 - $0 }, shape: [2] + golden.shape)
    var seen = 0
    for stored in golden.cases {
      let filter = try #require(ResizeFilter(rawValue: stored.filter))
      let result = resized(
        image, to: (stored.size[0], stored.size[1]), by: filter, antialias: stored.antialias)
      #expect(result.shape == [2] + stored.size)
      let expected = try GoldenFiles.floats(stored.values)
      let both = expected + expected.map { 3 - $0 }
      let difference = largestDifference(result.elements(as: Float.self), both)
      #expect(difference < Self.tolerance, "\(stored.filter) to \(stored.size): \(difference)")
      seen += 1
    }
    #expect(seen == 30)
  }

  @Test("unknown pixels drop out of the mean, and a place without known ones is unknown")
  func unknown() {
    let image = Tensor.rows([
      [1, 3, .nan, .nan],
      [5, .nan, .nan, .nan],
      [2, 2, 7, 9],
      [2, 2, .nan, 8],
    ])
    // Blocks of 2×2: a triangle filter of twice the width weighs 1:3:3:1, without what is outside.
    let half = resized(image, to: (2, 2)).elements(as: Float.self)
    let weights: [Float] = [3, 3, 1]
    var (sum, mass): (Float, Float) = (0, 0)
    for (row, line) in [[1, 3, Float.nan], [5, .nan, .nan], [2, 2, 7]].enumerated() {
      for (column, value) in line.enumerated() where !value.isNaN {
        sum += weights[row] * weights[column] * value
        mass += weights[row] * weights[column]
      }
    }
    #expect(abs(half[0] - sum / mass) < 1e-5)
    #expect(half.allSatisfy { !$0.isNaN })
    let none = Tensor([Float](repeating: .nan, count: 16), shape: [1, 4, 4])
    #expect(resized(none, to: (2, 2)).elements(as: Float.self).allSatisfy { $0.isNaN })
    // Without antialiasing each result sees one block alone.
    let blocks = resized(image, to: (2, 2), antialias: false).elements(as: Float.self)
    #expect(blocks[0] == 3 && blocks[1].isNaN && blocks[2] == 2 && blocks[3] == 8)
  }

  @Test("a cubic filter takes no value from a rest of its weights")
  func cubicUnknown() {
    var values = [Float](repeating: .nan, count: 64)
    for row in 0..<8 { for column in 0..<4 { values[row * 8 + column] = 2 } }
    let result = resized(
      Tensor(values, shape: [1, 8, 8]), to: (16, 16), by: .bicubic
    ).elements(as: Float.self)
    for place in result.indices {
      let isKnown = place % 16 < 8
      #expect(isKnown ? abs(result[place] - 2) < 1e-5 : result[place].isNaN, "at \(place)")
    }
  }

  @Test("classes stay classes, an equal size changes nothing")
  func nearest() {
    let classes = Tensor((0..<35).map { Float($0 % 4 == 0 ? 255 : $0 % 4) }, shape: [1, 5, 7])
    let larger = resized(classes, to: (11, 3), by: .nearest).elements(as: Float.self)
    #expect(Set(larger).isSubset(of: [1, 2, 3, 255]))
    let same = resized(classes, to: (5, 7), by: .bicubic).elements(as: Float.self)
    #expect(same == classes.elements(as: Float.self))
  }

  @Test("means or sums are kept over the known pixels, channel by channel")
  func preserved() {
    let image = Tensor.rows([[1, 2, .nan, 8], [4, 9, 1, 3], [0, 2, 5, 1]])
    let both = Tensor.concatenated(
      [image, Tensor([Float](repeating: 0, count: 12), shape: [1, 3, 4])], axis: 0)
    let small = resized(both, to: (2, 3))
    func known(_ tensor: Tensor) -> [Float] {
      tensor.elements(as: Float.self).prefix(tensor.elementCount / 2).filter { !$0.isNaN }
    }
    let before = known(both)
    let mean = known(scaled(small, like: both, keeping: .mean))
    let meanSum: Float = mean.reduce(0, +)
    let beforeSum: Float = before.reduce(0, +)
    #expect(abs(meanSum / Float(mean.count) - beforeSum / Float(before.count)) < 1e-5)
    let sum = known(scaled(small, like: both, keeping: .sum))
    let kept: Float = sum.reduce(0, +)
    #expect(abs(kept - beforeSum) < 1e-4)
    let empty = scaled(small, like: both, keeping: .sum).elements(as: Float.self).suffix(6)
    #expect(empty.allSatisfy { $0 == 0 })
  }
}

extension Tensor {
  /// One channel by its rows.
  fileprivate static func rows(_ rows: [[Float]]) -> Tensor {
    Tensor(rows.flatMap(\.self), shape: [1, rows.count, rows[0].count])
  }
}
