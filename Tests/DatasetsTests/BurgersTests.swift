import Datasets
import Foundation
import Testing

/// Initial data of the tests: mean 0.1, so that the shift by the mean is exercised.
private func profile(_ x: Double) -> Double {
  0.1 + 0.6 * sin(2 * .pi * x + 0.4) + 0.4 * sin(6 * .pi * x + 1.1)
}

/// -∫ of the profile, up to a constant.
private func potential(_ x: Double) -> Double {
  -0.1 * x + 0.6 * cos(2 * .pi * x + 0.4) / (2 * .pi) + 0.4 * cos(6 * .pi * x + 1.1) / (6 * .pi)
}

/// The Cole–Hopf integral by the trapezoidal rule on the whole line, the mean not split off.
///
/// u(x, t) = ∫ (x - y)/t K dy / ∫ K dy, K = exp(-(x - y)²/(4 D t) + potential(y)/(2 D)).
private func quadrature(_ x: Double, time: Double, diffusion: Double) -> Double {
  let width = 14 * (2 * diffusion * time).squareRoot() + time
  let points = 20_000
  let exponents = (0...points).map { point in
    let distance = -width + 2 * width * Double(point) / Double(points)
    return (
      distance,
      -distance * distance / (4 * diffusion * time) + potential(x - distance) / (2 * diffusion)
    )
  }
  let largest = exponents.reduce(-Double.infinity) { max($0, $1.1) }
  let weights = exponents.map { ($0.0, exp($0.1 - largest)) }
  return weights.reduce(0) { $0 + $1.0 / time * $1.1 } / weights.reduce(0) { $0 + $1.1 }
}

@Suite("Burgers solver")
struct BurgersTests {
  @Test(
    "agrees with quadrature of the Cole–Hopf integral",
    arguments: [(0.03, 2e-9), (0.05, 1e-9), (0.3, 1e-12)])
  func agreesWithQuadrature(viscosity: Double, tolerance: Double) throws {
    let grid = 64
    let solution = try Burgers(viscosity: viscosity)
      .solve(from: profile, grid: grid, frames: 6, interval: 0.2)
    for frame in [1, 2, 5] {
      for cell in stride(from: 0, to: grid, by: 5) {
        let expected = quadrature(
          (Double(cell) + 0.5) / Double(grid), time: 0.2 * Double(frame),
          diffusion: viscosity / .pi)
        #expect(abs(solution[frame * grid + cell] - expected) < tolerance)
      }
    }
  }

  @Test("keeps the mean")
  func mean() throws {
    let solution = try Burgers(viscosity: 0.05)
      .solve(from: profile, grid: 128, frames: 21, interval: 0.05)
    for frame in 0..<21 {
      let mean = solution[frame * 128..<(frame + 1) * 128].reduce(0, +) / 128
      #expect(abs(mean - 0.1) < 1e-10)
    }
  }

  @Test("a coarse grid shows the same solution as a fine one at common points")
  func refinement() throws {
    // Centers of 64 cells are not centers of 128; those of 64 at 3 (i + 1/2) / 192 would be, but
    // 192 is no power of two: compare through the exact translation of the profile by 1/256.
    let coarse = try Burgers(viscosity: 0.1).solve(
      from: profile, grid: 64, frames: 3, interval: 0.1)
    let fine = try Burgers(viscosity: 0.1)
      .solve(from: { profile($0 + 1.0 / 256) }, grid: 128, frames: 3, interval: 0.1)
    for frame in 0..<3 {
      for cell in 0..<64 {
        #expect(abs(coarse[frame * 64 + cell] - fine[frame * 128 + 2 * cell]) < 1e-12)
      }
    }
  }

  @Test("refuses a viscosity that round-off spoils, and says what serves")
  func refusesSmallViscosity() {
    let error = #expect(throws: DataError.self) {
      try Burgers(viscosity: 0.004).solve(from: profile, grid: 128, frames: 21, interval: 0.05)
    }
    #expect(error?.description.contains("viscosity 0.004") == true)
    #expect(error?.description.contains("0.03") == true)
  }

  @Test("refuses a grid that is no power of two")
  func refusesGrid() {
    #expect(throws: DataError.self) {
      try Burgers(viscosity: 0.1).solve(from: profile, grid: 100, frames: 2, interval: 0.1)
    }
  }
}
