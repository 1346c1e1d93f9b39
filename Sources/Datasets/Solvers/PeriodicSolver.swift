/// A solver of one scalar equation on [0, 1) with periodic ends.
package protocol PeriodicSolver: Sendable {
  /// Values at the centers (i + 1/2) / `grid` of `grid` cells and at `frames` times, `interval` apart.
  ///
  /// `profile` is the state at time 0, a function of period 1. The result is `[frames, grid]`,
  /// row-major. `DataError.solverFailed` is thrown where the method cannot give the accuracy that it
  /// promises.
  func solve(
    from profile: (Double) -> Double, grid: Int, frames: Int, interval: Double
  ) throws(DataError) -> [Double]
}

extension PeriodicSolver {
  /// The profile at the centers of `grid` cells.
  func sampled(_ profile: (Double) -> Double, grid: Int) -> [Double] {
    (0..<grid).map { profile((Double($0) + 0.5) / Double(grid)) }
  }

  /// Refuses grids that the Fourier transform cannot take.
  func requirePowerOfTwo(_ grid: Int, equation: String) throws(DataError) {
    guard FFT.supports(grid) else {
      throw .solverFailed(
        equation: equation, reason: "a grid of \(grid) cells is not a power of two",
        remedy: "Use 64, 128, 256, … cells.")
    }
  }
}
