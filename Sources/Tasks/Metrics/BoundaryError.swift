/// Root mean squared error on the cells at the edge of the grid.
package struct BoundaryError: FieldMetric, ScalarMetric {
  package static let name = "BoundaryError"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula =
    "√(mean (p − y)²) over the cells that are first or last along a space axis longer than 1, "
    + "all values of the set together"

  private var squares = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let edge = Self.edgeCells(of: truth.shape)
    TrajectoryPair(prediction, truth).forEachSlice { p, y in
      let sum = edge.reduce(0.0) { sum, cell in
        let error = Double(p[cell]) - Double(y[cell])
        return sum + error * error
      }
      squares.add(sum: sum, count: edge.count)
    }
  }

  package mutating func merge(_ other: BoundaryError) { squares.merge(other.squares) }
  package var value: Double { squares.value.squareRoot() }

  private static func edgeCells(of shape: Trajectory.Shape) -> [Int] {
    func isEdge(_ position: Int, _ length: Int) -> Bool {
      length > 1 && (position == 0 || position == length - 1)
    }
    return (0..<shape.cells).filter { cell in
      isEdge(cell % shape.width, shape.width)
        || isEdge(cell / shape.width % shape.height, shape.height)
        || isEdge(cell / (shape.width * shape.height), shape.depth)
    }
  }
}
