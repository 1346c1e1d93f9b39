package import Tensors

/// PDEBench's two-dimensional diffusion-reaction.
package enum FitzHughNagumoEquation: Equation {
  package static let name = "fitzhugh-nagumo"
  package static let summary =
    "u_t = Du Lap u + u - u^3 - k - v, v_t = Dv Lap v + u - v on (-1, 1)^2, no flux; normal noise"
  package static let parameters = [
    EquationParameter(
      "Du", standard: .fixed(1e-3), isLogarithmic: true, "diffusion of the activator"),
    EquationParameter(
      "Dv", standard: .fixed(5e-3), isLogarithmic: true, "diffusion of the inhibitor"),
    EquationParameter("k", standard: .fixed(5e-3), "threshold"),
  ]
  package static let discretization = Discretization(cells: 64, frames: 21, interval: 0.25)
  package static let domain = -1.0...1.0
  package static let fields = ["activator", "inhibitor"]
  package static let spaceAxes = 2

  /// Longest splitting step; normal noise of four standard deviations decays at a rate of about 50.
  private static let longestStep = 0.005

  package static func trajectory(
    drawing random: inout Philox, parameters: [String: Double], on grid: Discretization
  ) throws(DataError) -> [Float] {
    var solver = FitzHughNagumo()
    solver.activatorDiffusion = parameters["Du", default: 0]
    solver.inhibitorDiffusion = parameters["Dv", default: 0]
    solver.threshold = parameters["k", default: 0]
    solver.substeps = max(1, Int((grid.interval / longestStep).rounded(.up)))

    let cells = grid.cells * grid.cells
    let activator = (0..<cells).map { _ in random.normal() }
    let inhibitor = (0..<cells).map { _ in random.normal() }
    let states = try solver.solve(
      from: .init(activator: activator, inhibitor: inhibitor), grid: grid.cells,
      frames: grid.frames, interval: grid.interval)
    return states.flatMap { state in
      zip(state.activator, state.inhibitor).flatMap { [Float($0), Float($1)] }
    }
  }
}
