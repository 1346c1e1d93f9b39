package import Tensors

/// u_t = ν u_xx + ρ u (1 - u).
package enum DiffusionReactionEquation: PeriodicEquation {
  package static let name = "diffusion-reaction"
  package static let summary =
    "u_t = Nu u_xx + rho u (1 - u) on [0, 1), periodic; sum of two sines between 0.05 and 0.95"
  package static let parameters = [
    EquationParameter("Nu", standard: .fixed(0.02), isLogarithmic: true, "diffusion coefficient"),
    EquationParameter("rho", standard: .fixed(2), "growth rate"),
  ]

  package static func trajectory(
    drawing random: inout Philox, parameters: [String: Double], on grid: Discretization
  ) throws(DataError) -> [Float] {
    let profile = SineProfile(drawing: &random).rescaled(to: 0.05...0.95, cells: grid.cells)
    return try Fisher(
      diffusion: parameters["Nu", default: 0], growth: parameters["rho", default: 0]
    )
    .solve(
      from: { profile($0) }, grid: grid.cells, frames: grid.frames, interval: grid.interval
    ).map(Float.init)
  }
}
