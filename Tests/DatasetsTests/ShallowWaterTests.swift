import Datasets
import Foundation
import Testing

/// Dam break between two depths over a wet flat bottom (Stoker 1957), the dam at x = 0.
private struct StokerSolution {
  let left: Double
  let right: Double
  let gravity: Double
  private let middleHeight: Double
  private let middleVelocity: Double
  private let shockSpeed: Double

  init(left: Double, right: Double, gravity: Double) {
    (self.left, self.right, self.gravity) = (left, right, gravity)
    // The middle height equates the velocity behind the rarefaction with that behind the shock.
    func behindRarefaction(_ h: Double) -> Double {
      2 * ((gravity * left).squareRoot() - (gravity * h).squareRoot())
    }
    func behindShock(_ h: Double) -> Double {
      (h - right) * (gravity * (h + right) / (2 * h * right)).squareRoot()
    }
    var (low, high) = (right, left)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if behindRarefaction(middle) > behindShock(middle) { low = middle } else { high = middle }
    }
    middleHeight = low
    middleVelocity = behindShock(low)
    shockSpeed = low * middleVelocity / (low - right)
  }

  func height(_ x: Double, time: Double) -> Double {
    let speed = x / time
    let leftWave = (gravity * left).squareRoot()
    if speed < -leftWave { return left }
    if speed < middleVelocity - (gravity * middleHeight).squareRoot() {
      let wave = (2 * leftWave - speed) / 3
      return wave * wave / gravity
    }
    return speed < shockSpeed ? middleHeight : right
  }
}

/// Mean absolute error of the height at time 0.5 for a plane dam on (-2.5, 2.5).
private func damBreakError(cells: Int, alongRows: Bool) throws -> Double {
  let cellSize = 5 / Double(cells)
  let places = (0..<cells).map { -2.5 + (Double($0) + 0.5) * cellSize }
  let plane = places.map { $0 < 0 ? 2.0 : 1.0 }
  let solver =
    alongRows
    ? ShallowWater(rows: cells, columns: 2, cellSize: cellSize)
    : ShallowWater(rows: 2, columns: cells, cellSize: cellSize)
  let initial = alongRows ? plane.flatMap { [$0, $0] } : plane + plane
  let final = try solver.solve(from: .init(height: initial), frames: 2, interval: 0.5)[1].height
  let exact = StokerSolution(left: 2, right: 1, gravity: 1)
  let line = alongRows ? stride(from: 0, to: final.count, by: 2).map { final[$0] } : final
  return zip(places, line).reduce(0) { $0 + abs($1.1 - exact.height($1.0, time: 0.5)) }
    / Double(cells)
}

/// Height 2 inside a circle, 1 outside.
private func circularDam(cells: Int, radius: Double) -> [Double] {
  let places = (0..<cells).map { -2.5 + (Double($0) + 0.5) * 5 / Double(cells) }
  return places.flatMap { y in places.map { x in x * x + y * y < radius * radius ? 2.0 : 1.0 } }
}

@Suite("Shallow-water solver")
struct ShallowWaterTests {
  @Test("converges to the exact dam break, along either axis", arguments: [false, true])
  func damBreak(alongRows: Bool) throws {
    let errors = try [100, 200, 400].map { try damBreakError(cells: $0, alongRows: alongRows) }
    // First order at best, since the solution has a shock. Measured: 6.0e-3, 2.8e-3, 1.5e-3.
    #expect(errors[0] < 6.1e-3)
    #expect(errors[0] / errors[1] > 1.7)
    #expect(errors[1] / errors[2] > 1.7)
  }

  @Test("a lake at rest stays at rest")
  func lakeAtRest() throws {
    let solver = ShallowWater(rows: 8, columns: 12, cellSize: 0.1)
    let initial = [Double](repeating: 1.3, count: 96)
    let final = try solver.solve(from: .init(height: initial), frames: 3, interval: 0.5)[2]
    #expect(final.height == initial)
    #expect(final.acrossRows.allSatisfy { $0 == 0 })
    #expect(final.acrossColumns.allSatisfy { $0 == 0 })
  }

  @Test("keeps the mass until the wave reaches the border, then lets it out")
  func mass() throws {
    // The fastest wave, about √2, covers the 2.2 between circle and border in 1.5.
    let solver = ShallowWater(rows: 64, columns: 64, cellSize: 5.0 / 64)
    let states = try solver.solve(
      from: .init(height: circularDam(cells: 64, radius: 0.3)), frames: 9, interval: 0.4)
    let masses = states.map { $0.height.reduce(0, +) }
    #expect(abs(masses[1] / masses[0] - 1) < 1e-13)
    #expect(masses[8] < masses[0] * 0.9999)
  }

  @Test("keeps the symmetries of a circular dam")
  func symmetry() throws {
    let cells = 32
    let solver = ShallowWater(rows: cells, columns: cells, cellSize: 5 / Double(cells))
    let height = try solver.solve(
      from: .init(height: circularDam(cells: cells, radius: 0.6)), frames: 2, interval: 1)[1].height
    for row in 0..<cells {
      for column in 0..<cells {
        let value = height[row * cells + column]
        #expect(abs(value - height[column * cells + row]) < 1e-13)
        #expect(abs(value - height[(cells - 1 - row) * cells + column]) < 1e-13)
        #expect(abs(value - height[row * cells + cells - 1 - column]) < 1e-13)
      }
    }
  }

  @Test("refuses dry cells")
  func refusesDryCells() {
    let solver = ShallowWater(rows: 1, columns: 4, cellSize: 0.1)
    #expect(throws: DataError.self) {
      try solver.solve(from: .init(height: [1, 1, -1, 1]), frames: 2, interval: 0.1)
    }
  }
}
