/// The cosine transform of blocks of 8×8 samples, rounded to multiples of a table, and back.
///
/// In whole numbers, as libjpeg's accurate transform, which is that of Loeffler, Ligtenberg and
/// Moschytz 1989 with factors in multiples of 2⁻¹³: what is not rounded in between does not depend on
/// the order of the sums, so a product with the matrix of all factors gives the same.
struct BlockQuantizer: Sendable {
  enum Table: Sendable { case luma, chroma }

  private static let side = 8
  /// Row u, column x: 2¹³ √2 c(u) cos((2x + 1) u π / 16), c(0) = 1/√2, else 1 (ITU-T T.81, A.3.3).
  ///
  /// Some differ by 1 from the nearest whole number, being sums of rounded factors.
  private static let basis: [Int32] = [
    8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192,
    11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363,
    10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703,
    9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633,
    8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192,
    6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437,
    4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433,
    2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260,
  ]
  /// Bits dropped after each pass: two stay in between, and coefficients are eight times too large.
  private static let forward: (first: Int32, second: Int32) = (11, 15)
  private static let inverse: (first: Int32, second: Int32) = (11, 18)

  /// Steps of the coefficients, by rows.
  private let steps: [Int32]

  /// Steps at a quality from 1 to 100: the table at 50, scaled as libjpeg does, from 1 to 255.
  init(_ table: Table, quality: Int) {
    let percent = quality < 50 ? 5000 / quality : 200 - 2 * quality
    steps = table.steps.map { Int32(min(max(($0 * percent + 50) / 100, 1), 255)) }
  }

  /// What is left of a plane; blocks at its borders are filled by its last row and column.
  func quantized(_ plane: SamplePlane) -> SamplePlane {
    let (side, height, width) = (Self.side, plane.height, plane.width)
    var result = plane
    var block = [Int32](repeating: 0, count: side * side)
    var other = block
    for top in stride(from: 0, to: height, by: side) {
      for left in stride(from: 0, to: width, by: side) {
        for place in block.indices {
          let row = min(top + place / side, height - 1)
          let column = min(left + place % side, width - 1)
          block[place] = plane.values[row * width + column] - 128
        }
        Self.transform(&block, &other, columnsFirst: false, along: 1, across: 8, Self.forward)
        for place in block.indices {
          // Halves away from zero.
          let (value, step) = (block[place], steps[place])
          let count = (abs(value) + 4 * step) / (8 * step)
          block[place] = value < 0 ? -count * step : count * step
        }
        Self.transform(&block, &other, columnsFirst: true, along: 8, across: 1, Self.inverse)
        for row in top..<min(top + side, height) {
          for column in left..<min(left + side, width) {
            let value = block[(row - top) * side + column - left] + 128
            result.values[row * width + column] = min(max(value, 0), 255)
          }
        }
      }
    }
    return result
  }

  /// One pass over rows and one over columns, each rounded; `along` and `across` say how the sum's
  /// number and the result's stand in the basis.
  private static func transform(
    _ block: inout [Int32], _ other: inout [Int32], columnsFirst: Bool, along: Int, across: Int,
    _ bits: (first: Int32, second: Int32)
  ) {
    let (step, line) = columnsFirst ? (8, 1) : (1, 8)
    pass(block, &other, step: step, line: line, along: along, across: across, bits: bits.first)
    pass(other, &block, step: line, line: step, along: along, across: across, bits: bits.second)
  }

  /// Eight lines of eight elements `step` apart.
  private static func pass(
    _ source: [Int32], _ target: inout [Int32], step: Int, line: Int, along: Int, across: Int,
    bits: Int32
  ) {
    basis.withUnsafeBufferPointer { basis in
      source.withUnsafeBufferPointer { source in
        target.withUnsafeMutableBufferPointer { target in
          for number in 0..<8 {
            let start = number &* line
            for u in 0..<8 {
              var sum: Int32 = 1 << (bits - 1)
              for x in 0..<8 {
                sum &+= basis[u &* across &+ x &* along] &* source[start &+ x &* step]
              }
              target[start &+ u &* step] = sum >> bits
            }
          }
        }
      }
    }
  }
}

extension BlockQuantizer.Table {
  /// Steps for quality 50, by rows of coefficients (ITU-T T.81, tables K.1 and K.2).
  fileprivate var steps: [Int] {
    switch self {
    case .luma:
      [
        16, 11, 10, 16, 24, 40, 51, 61,
        12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77,
        24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99,
      ]
    case .chroma:
      [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
      ]
    }
  }
}
