package import Tensors

/// u_t + β u_x = 0, exact.
package enum AdvectionEquation: PeriodicEquation {
  package static let name = "advection"
  package static let summary =
    "u_t + beta u_x = 0 on [0, 1), periodic; sum of two sines, moved exactly"
  package static let parameters = [
    EquationParameter(
      "beta", standard: .drawn(-1...1), "speed, in domain lengths per unit of time")
  ]

  package static func trajectory(
    drawing random: inout Philox, parameters: [String: Double], on grid: Discretization
  ) throws(DataError) -> [Float] {
    let profile = SineProfile(drawing: &random)
    return try Advection(speed: parameters["beta", default: 0])
      .solve(
        from: { profile($0) }, grid: grid.cells, frames: grid.frames, interval: grid.interval
      ).map(Float.init)
  }
}
