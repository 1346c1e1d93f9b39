package import Tensors

/// PDEBench's radial dam break; the water height is stored.
package enum ShallowWaterEquation: Equation {
  package static let name = "shallow-water"
  package static let summary =
    "shallow water, g = 1, on (-2.5, 2.5)^2, open borders; height 2 inside a random circle, 1 outside"
  package static let parameters = [
    EquationParameter("dam_radius", standard: .drawn(0.3...0.7), "radius of the circle")
  ]
  package static let discretization = Discretization(cells: 64, frames: 21, interval: 0.05)
  package static let domain = -2.5...2.5
  package static let fields = ["h"]
  package static let spaceAxes = 2

  package static func trajectory(
    drawing random: inout Philox, parameters: [String: Double], on grid: Discretization
  ) throws(DataError) -> [Float] {
    let radius = parameters["dam_radius", default: 0]
    let cellSize = (domain.upperBound - domain.lowerBound) / Double(grid.cells)
    let centers = (0..<grid.cells).map { domain.lowerBound + (Double($0) + 0.5) * cellSize }
    let height = centers.flatMap { y in
      centers.map { x in x * x + y * y < radius * radius ? 2.0 : 1.0 }
    }
    let solver = ShallowWater(rows: grid.cells, columns: grid.cells, cellSize: cellSize)
    return try solver.solve(
      from: .init(height: height), frames: grid.frames, interval: grid.interval
    ).flatMap { $0.height.map(Float.init) }
  }
}
