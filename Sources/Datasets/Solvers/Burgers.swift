import Foundation

/// Viscous Burgers equation u_t + u u_x = (ν/π) u_xx by the transformation of Cole and Hopf.
///
/// With D = ν/π and u = m + w(x - m t, t), m the conserved mean, w = -2 D φ_x / φ where φ obeys the
/// heat equation φ_t = D φ_xx and φ(x, 0) = exp(-(1/2D) ∫ w dx). The heat equation is exact in
/// Fourier space; so is the shift by m t. Nothing is discretized in time.
///
/// Fourier sums lose what lies 16 digits below the largest φ, so a small viscosity under a large
/// amplitude is refused where the round-off estimated from φ exceeds `Burgers.tolerance`.
package struct Burgers: PeriodicSolver {
  /// ν; the diffusion coefficient is ν/π.
  package let viscosity: Double

  package init(viscosity: Double) { self.viscosity = viscosity }

  /// Largest accepted estimate of the round-off in u, relative to the range of the initial data.
  package static let tolerance = 1e-6

  /// Points on which the heat equation is solved, at least; coarser grids take every k-th of them.
  private static let finestGrid = 1024

  package func solve(
    from profile: (Double) -> Double, grid: Int, frames: Int, interval: Double
  ) throws(DataError) -> [Double] {
    try requirePowerOfTwo(grid, equation: "burgers")
    // Points at (i + 1/2)/grid are among those at (j + 1/2)/fine only for odd refinements, so the
    // fine points start at the first coarse center instead.
    let refinement = max(1, Self.finestGrid / grid)
    let fine = grid * refinement
    let origin = 0.5 / Double(grid)
    let initial = (0..<fine).map { profile(origin + Double($0) / Double(fine)) }
    let heat = HeatPotential(initial: initial, diffusion: viscosity / .pi)

    var solution = stride(from: 0, to: fine, by: refinement).map { initial[$0] }
    for frame in 1..<max(1, frames) {
      let state = heat.velocity(at: Double(frame) * interval)
      guard state.roundOff <= Self.tolerance * heat.range else {
        throw .solverFailed(
          equation: "burgers",
          reason: "viscosity \(viscosity) is too small for initial data of range \(heat.range): "
            + "round-off of about \(state.roundOff) at time \(Double(frame) * interval)",
          remedy: "Raise Nu (0.03 and above serve amplitudes up to 1) or lower the amplitude.")
      }
      solution += stride(from: 0, to: fine, by: refinement).map { state.velocity[$0] }
    }
    return solution
  }
}

/// φ of the Cole–Hopf transformation in Fourier space.
private struct HeatPotential {
  let mean: Double
  /// Largest minus smallest initial value.
  let range: Double
  private let diffusion: Double
  private let transform: FFT
  private var real: [Double]
  private var imaginary: [Double]

  init(initial: [Double], diffusion: Double) {
    let count = initial.count
    let mean = initial.reduce(0, +) / Double(count)
    let transform = FFT(count: count)

    // ∫ w dx: each coefficient divided by 2πi k; the one at the Nyquist frequency has no integral.
    var (real, imaginary) = (initial.map { $0 - mean }, [Double](repeating: 0, count: count))
    transform.forward(&real, &imaginary)
    for index in 0..<count {
      let frequency = 2 * Double.pi * transform.frequency(index)
      let hasIntegral = index != 0 && 2 * index != count
      (real[index], imaginary[index]) =
        hasIntegral ? (imaginary[index] / frequency, -real[index] / frequency) : (0, 0)
    }
    transform.inverse(&real, &imaginary)

    // φ up to a factor, which u does not feel: the largest value is 1.
    let lowest = real.min() ?? 0
    real = real.map { exp((lowest - $0) / (2 * diffusion)) }
    imaginary = [Double](repeating: 0, count: count)
    transform.forward(&real, &imaginary)

    (self.mean, self.diffusion, self.transform) = (mean, diffusion, transform)
    range = (initial.max() ?? 0) - (initial.min() ?? 0)
    (self.real, self.imaginary) = (real, imaginary)
  }

  /// u at `time` on the initial points, with an estimate of its absolute round-off.
  func velocity(at time: Double) -> (velocity: [Double], roundOff: Double) {
    let count = transform.count
    var packedReal = [Double](repeating: 0, count: count)
    var packedImaginary = packedReal
    for index in 0..<count {
      let frequency = 2 * Double.pi * transform.frequency(index)
      // Moves by m t to the right and lets the mode decay.
      let decay = exp(-diffusion * frequency * frequency * time)
      let angle = -frequency * mean * time
      let (cosine, sine) = (decay * cos(angle), decay * sin(angle))
      let potentialReal = real[index] * cosine - imaginary[index] * sine
      let potentialImaginary = real[index] * sine + imaginary[index] * cosine
      // φ + i ψ in one transform, ψ = 2 D φ_x: φ̂ + i 2 D (2πi k φ̂) = (1 - 4π D k) φ̂.
      let slope = 2 * index == count ? 0 : 2 * diffusion * frequency
      packedReal[index] = potentialReal * (1 - slope)
      packedImaginary[index] = potentialImaginary * (1 - slope)
    }
    transform.inverse(&packedReal, &packedImaginary)

    // u = m - ψ / φ, where both have the absolute round-off of the transform.
    let velocity = zip(packedReal, packedImaginary).map { mean - $1 / $0 }
    let noise =
      Double(count.trailingZeroBitCount) * Double.ulpOfOne
      * packedImaginary.reduce(1) { max($0, abs($1)) }
    let smallest = packedReal.min() ?? 0
    let roundOff = smallest > 0 ? (1 + range) * noise / smallest : .infinity
    return (velocity, roundOff)
  }
}
