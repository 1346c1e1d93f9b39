import Datasets
import Foundation
import Testing

/// A smooth state without flux over the border.
private func smooth(grid: Int) -> FitzHughNagumo.State {
  let places = (0..<grid).map { (Double($0) + 0.5) / Double(grid) }
  let cells = places.flatMap { y in places.map { x in (x, y) } }
  return FitzHughNagumo.State(
    activator: cells.map { cos(.pi * $0.0) * cos(2 * .pi * $0.1) },
    inhibitor: cells.map { 0.5 * cos(3 * .pi * $0.0) + 0.1 })
}

@Suite("FitzHugh–Nagumo solver")
struct FitzHughNagumoTests {
  @Test("is second order in time")
  func order() throws {
    func final(substeps: Int) throws -> [Double] {
      var solver = FitzHughNagumo()
      solver.substeps = substeps
      return try solver.solve(from: smooth(grid: 16), grid: 16, frames: 2, interval: 0.5)[1]
        .activator
    }
    let reference = try final(substeps: 640)
    func error(_ substeps: Int) throws -> Double {
      zip(try final(substeps: substeps), reference).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
    let orders = try [10, 20].map { log2(try error($0) / (try error(2 * $0))) }
    #expect(orders.allSatisfy { abs($0 - 2) < 0.05 })
  }

  @Test("a small mode about equilibrium grows as the linearized equations say")
  func linearMode() throws {
    // Equilibrium: u = v, u³ = -k. About it u' = (1 - 3 u²) a - b - D_u λ a, v' = a - b - D_v λ b.
    var solver = FitzHughNagumo()
    solver.substeps = 100
    let equilibrium = -cbrt(solver.threshold)
    let grid = 16
    let (rowMode, columnMode) = (1.0, 2.0)
    // Of the five-point Laplacian on cells of side 2/16.
    let eigenvalue = [rowMode, columnMode].reduce(0) { sum, wave in
      let root = Double(grid) * sin(.pi * wave / Double(2 * grid))
      return sum + root * root
    }
    let amplitude = 1e-7
    let places = (0..<grid).map { (Double($0) + 0.5) / Double(grid) }
    let mode = places.flatMap { y in
      places.map { x in cos(rowMode * .pi * y) * cos(columnMode * .pi * x) }
    }
    let initial = FitzHughNagumo.State(
      activator: mode.map { equilibrium + amplitude * $0 },
      inhibitor: mode.map { _ in equilibrium })
    let final = try solver.solve(from: initial, grid: grid, frames: 2, interval: 1)[1]

    // The linear system by many small steps of the trapezoidal kind (Heun), error below 1e-9.
    let a11 = 1 - 3 * equilibrium * equilibrium - solver.activatorDiffusion * eigenvalue
    let a22 = -1 - solver.inhibitorDiffusion * eigenvalue
    var (a, b) = (1.0, 0.0)
    let steps = 20_000
    let step = 1 / Double(steps)
    for _ in 0..<steps {
      let (p, q) = (a11 * a - b, a + a22 * b)
      let (r, s) = (a11 * (a + step * p) - (b + step * q), (a + step * p) + a22 * (b + step * q))
      (a, b) = (a + step / 2 * (p + r), b + step / 2 * (q + s))
    }
    for cell in mode.indices {
      let (u, v) = (final.activator[cell] - equilibrium, final.inhibitor[cell] - equilibrium)
      #expect(abs(u / amplitude - a * mode[cell]) < 2e-5)
      #expect(abs(v / amplitude - b * mode[cell]) < 2e-5)
    }
  }

  @Test("a uniform state follows the reaction alone and stays uniform")
  func uniform() throws {
    let initial = FitzHughNagumo.State(
      activator: [Double](repeating: 0.8, count: 64),
      inhibitor: [Double](repeating: -0.2, count: 64)
    )
    var solver = FitzHughNagumo()
    solver.substeps = 100
    let final = try solver.solve(from: initial, grid: 8, frames: 2, interval: 1)[1]
    var (u, v) = (0.8, -0.2)
    let step = 1e-5
    for _ in 0..<100_000 {
      let (p, q) = (u - u * u * u - solver.threshold - v, u - v)
      let (r, s) = (u + step * p, v + step * q)
      let (p2, q2) = (r - r * r * r - solver.threshold - s, r - s)
      (u, v) = (u + step / 2 * (p + p2), v + step / 2 * (q + q2))
    }
    #expect(final.activator.allSatisfy { abs($0 - u) < 1e-8 })
    #expect(final.inhibitor.allSatisfy { abs($0 - v) < 1e-8 })
  }

  @Test("says so where the step is too long")
  func refusesLongSteps() {
    let initial = FitzHughNagumo.State(
      activator: [Double](repeating: 50, count: 64), inhibitor: [Double](repeating: 0, count: 64))
    #expect(throws: DataError.self) {
      try FitzHughNagumo().solve(from: initial, grid: 8, frames: 4, interval: 10)
    }
  }
}
