import Datasets
import Foundation
import Testing

@Suite("Fisher diffusion-reaction solver")
struct FisherTests {
  @Test("without diffusion every cell follows the logistic solution")
  func logisticLimit() throws {
    let profile = { (x: Double) in 0.5 + 0.45 * sin(2 * .pi * x) }
    let solution = try Fisher(diffusion: 0, growth: 3)
      .solve(from: profile, grid: 32, frames: 5, interval: 0.1)
    for frame in 0..<5 {
      for cell in 0..<32 {
        let start = solution[cell]
        let factor = exp(3 * 0.1 * Double(frame))
        let expected = start * factor / (1 - start + start * factor)
        #expect(abs(solution[frame * 32 + cell] - expected) < 1e-13)
      }
    }
  }

  @Test("without growth each mode decays as the heat equation says")
  func heatLimit() throws {
    let profile = { (x: Double) in 0.5 + 0.3 * sin(2 * .pi * x) + 0.1 * cos(10 * .pi * x) }
    let solution = try Fisher(diffusion: 0.02, growth: 0)
      .solve(from: profile, grid: 64, frames: 5, interval: 0.1)
    for frame in 0..<5 {
      for cell in 0..<64 {
        let (x, time) = ((Double(cell) + 0.5) / 64, 0.1 * Double(frame))
        let slow = exp(-0.02 * 4 * .pi * .pi * time)
        let fast = exp(-0.02 * 100 * .pi * .pi * time)
        let expected = 0.5 + 0.3 * slow * sin(2 * .pi * x) + 0.1 * fast * cos(10 * .pi * x)
        #expect(abs(solution[frame * 64 + cell] - expected) < 1e-13)
      }
    }
  }

  @Test("is second order in time, and 20 substeps reach 1e-6 at the defaults")
  func order() throws {
    let profile = { (x: Double) in
      0.5 + 0.3 * sin(2 * .pi * x) + 0.15 * sin(8 * .pi * x + 0.7)
    }
    func final(substeps: Int) throws -> [Double] {
      Array(
        try Fisher(diffusion: 0.02, growth: 2, substeps: substeps)
          .solve(from: profile, grid: 128, frames: 2, interval: 0.05).suffix(128))
    }
    let reference = try final(substeps: 2000)
    func error(substeps: Int) throws -> Double {
      zip(try final(substeps: substeps), reference).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
    let orders = try [5, 10, 20].map {
      log2(try error(substeps: $0) / (try error(substeps: 2 * $0)))
    }
    #expect(orders.allSatisfy { abs($0 - 2) < 0.02 })
    #expect(try error(substeps: 20) < 1e-6)
  }
}
