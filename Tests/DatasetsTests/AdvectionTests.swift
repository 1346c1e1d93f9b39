import Datasets
import Foundation
import Testing

@Suite("Advection solver")
struct AdvectionTests {
  @Test("moves the profile by whole cells without any change")
  func wholeCells() throws {
    // Speed 2, interval 1/16, 32 cells: four cells per frame.
    let profile = { (x: Double) in sin(2 * .pi * x) + 0.3 * cos(6 * .pi * x) }
    let solution = try Advection(speed: 2)
      .solve(from: profile, grid: 32, frames: 5, interval: 1.0 / 16)
    for frame in 0..<5 {
      for cell in 0..<32 {
        let origin = (cell - 4 * frame + 32 * 4) % 32
        #expect(abs(solution[frame * 32 + cell] - solution[origin]) < 1e-14)
      }
    }
  }

  @Test("keeps the mean, for either direction", arguments: [-0.37, 0.81])
  func mean(speed: Double) throws {
    let profile = { (x: Double) in 0.25 + sin(4 * .pi * x + 1) }
    let solution = try Advection(speed: speed)
      .solve(from: profile, grid: 128, frames: 21, interval: 0.05)
    for frame in 0..<21 {
      let mean = solution[frame * 128..<(frame + 1) * 128].reduce(0, +) / 128
      #expect(abs(mean - 0.25) < 1e-14)
    }
  }
}
