import Foundation

/// Colors of classes that people with color-vision deficiencies tell apart as far as can be.
///
/// The first seven are those of Okabe and Ito ("Color Universal Design", 2008) without black. Each
/// further one is the color of a grid, near-blacks left out, whose smallest distance to all before it,
/// and to black and white, is largest: Euclidean in OKLab (Ottosson 2020), the smallest over normal vision, protanopia,
/// deuteranopia and tritanopia as Machado, Oliveira and Fernandes simulate them (2009, severity 1). The
/// list is the same on every machine, and a longer one begins with the shorter.
package enum ClassPalette {
  private static let first: [[UInt8]] = [
    [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0],
    [204, 121, 167],
  ]

  /// Smallest lightness in OKLab of the further colors: below, screens show no hue.
  private static let darkest = 0.3

  /// Red, green and blue of `count` classes.
  package static func colors(_ count: Int) -> [[UInt8]] {
    var colors = Array(first.prefix(count))
    guard count > first.count else { return colors }
    let levels: [UInt8] = [0, 32, 64, 96, 128, 160, 192, 224, 255]
    let grid = levels.flatMap { red in
      levels.flatMap { green in levels.map { [red, green, $0] } }
    }
    let seen = grid.map(appearances)
    let isDark = seen.map { $0[0].x < darkest }
    var distances = [Double](repeating: .infinity, count: grid.count)
    func account(for color: [UInt8]) {
      let other = appearances(color)
      for index in grid.indices {
        distances[index] = min(distances[index], distance(seen[index], other))
      }
    }
    for color in [[0, 0, 0], [255, 255, 255]] + first { account(for: color) }
    while colors.count < count {
      var farthest = 0
      for index in grid.indices where !isDark[index] {
        if isDark[farthest] || distances[index] > distances[farthest] { farthest = index }
      }
      let chosen = grid[farthest]
      colors.append(chosen)
      account(for: chosen)
    }
    return colors
  }

  /// How far two colors lie apart for those who tell them apart worst; black and white are 1 apart.
  package static func distance(_ one: [UInt8], _ other: [UInt8]) -> Double {
    distance(appearances(one), appearances(other))
  }

  private static func distance(_ one: [SIMD3<Double>], _ other: [SIMD3<Double>]) -> Double {
    zip(one, other).map { (($0 - $1) * ($0 - $1)).sum().squareRoot() }.min() ?? 0
  }

  /// Rows of the matrices that turn linear red, green and blue into what is seen.
  private static let visions: [[SIMD3<Double>]] = [
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [
      [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
    [
      [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
      [-0.011820, 0.042940, 0.968881],
    ],
    [
      [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.303900],
    ],
  ]

  /// OKLab coordinates of a color under each vision.
  private static func appearances(_ color: [UInt8]) -> [SIMD3<Double>] {
    let linear = SIMD3(
      color.prefix(3).map { value in
        let share = Double(value) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      })
    return visions.map { rows in
      let seen = rows.map { min(1, max(0, ($0 * linear).sum())) }
      return okLab(SIMD3(seen))
    }
  }

  private static func okLab(_ linear: SIMD3<Double>) -> SIMD3<Double> {
    let cones: [SIMD3<Double>] = [
      [0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    let roots = SIMD3(cones.map { cbrt(($0 * linear).sum()) })
    let axes: [SIMD3<Double>] = [
      [0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return SIMD3(axes.map { ($0 * roots).sum() })
  }
}
