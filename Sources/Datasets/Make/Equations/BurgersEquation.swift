package import Tensors

/// u_t + u u_x = (ν/π) u_xx.
package enum BurgersEquation: PeriodicEquation {
  package static let name = "burgers"
  package static let summary =
    "u_t + u u_x = (Nu/pi) u_xx on [0, 1), periodic; sum of two sines, Cole-Hopf transformation"
  package static let parameters = [
    EquationParameter(
      "Nu", standard: .drawn(0.03...0.3), isLogarithmic: true, "viscosity times pi")
  ]

  package static func trajectory(
    drawing random: inout Philox, parameters: [String: Double], on grid: Discretization
  ) throws(DataError) -> [Float] {
    let profile = SineProfile(drawing: &random)
    return try Burgers(viscosity: parameters["Nu", default: 0])
      .solve(
        from: { profile($0) }, grid: grid.cells, frames: grid.frames, interval: grid.interval
      ).map(Float.init)
  }
}
