import Foundation

/// Diffusion-reaction u_t = ν u_xx + ρ u (1 - u) (Fisher 1937; Kolmogorov, Petrovsky, Piskunov 1937).
///
/// Strang splitting, second order in time: half a logistic step, a diffusion step, half a logistic
/// step. Both are exact, the logistic one pointwise, the diffusion in Fourier space.
package struct Fisher: PeriodicSolver {
  /// ν.
  package let diffusion: Double
  /// ρ.
  package let growth: Double
  /// Splitting steps between two frames.
  package let substeps: Int

  package init(diffusion: Double, growth: Double, substeps: Int = 20) {
    self.diffusion = diffusion
    self.growth = growth
    self.substeps = substeps
  }

  package func solve(
    from profile: (Double) -> Double, grid: Int, frames: Int, interval: Double
  ) throws(DataError) -> [Double] {
    try requirePowerOfTwo(grid, equation: "diffusion-reaction")
    let transform = FFT(count: grid)
    let step = interval / Double(substeps)
    let decay = (0..<grid).map { index in
      let frequency = 2 * Double.pi * transform.frequency(index)
      return exp(-diffusion * frequency * frequency * step)
    }

    var state = sampled(profile, grid: grid)
    var solution = state
    for _ in 1..<max(1, frames) {
      react(&state, for: step / 2)
      for substep in 1...substeps {
        diffuse(&state, transform: transform, decay: decay)
        react(&state, for: substep < substeps ? step : step / 2)
      }
      solution += state
    }
    return solution
  }

  /// u ← u E / (1 + u (E - 1)) with E = exp(ρ time): the logistic equation, solved exactly.
  private func react(_ state: inout [Double], for time: Double) {
    let factor = exp(growth * time)
    for index in state.indices {
      state[index] = state[index] * factor / (1 + state[index] * (factor - 1))
    }
  }

  private func diffuse(_ state: inout [Double], transform: FFT, decay: [Double]) {
    var imaginary = [Double](repeating: 0, count: state.count)
    transform.forward(&state, &imaginary)
    for index in state.indices {
      state[index] *= decay[index]
      imaginary[index] *= decay[index]
    }
    transform.inverse(&state, &imaginary)
  }
}
