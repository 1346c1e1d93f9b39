/// Shallow-water equations over a flat bottom with open borders, by a finite-volume method.
///
/// Conserved are h, h u, h v. Second order in smooth parts: linear reconstruction of h, u, v with the
/// central limiter of van Leer (1977), fluxes of Harten, Lax and van Leer (1983) with wave speeds after Einfeldt (1988),
/// two-stage strong-stability-preserving Runge-Kutta steps (Shu and Osher 1988). Ghost cells repeat
/// the border cells, so waves leave.
package struct ShallowWater: Sendable {
  /// Gravitational acceleration.
  package var gravity = 1.0
  /// Cells in rows (first axis) and columns (second axis).
  package let rows: Int
  package let columns: Int
  /// Side of a square cell.
  package let cellSize: Double
  /// Largest part of a cell that a wave crosses in one step, both axes added.
  private let courant = 0.45

  package init(rows: Int, columns: Int, cellSize: Double) {
    self.rows = rows
    self.columns = columns
    self.cellSize = cellSize
  }

  /// Cell averages at one time, row-major.
  package struct State: Sendable {
    package fileprivate(set) var height: [Double]
    /// Discharge h u along the columns (second axis).
    package fileprivate(set) var acrossColumns: [Double]
    /// Discharge h v along the rows (first axis).
    package fileprivate(set) var acrossRows: [Double]

    /// Water at rest.
    package init(height: [Double]) {
      self.height = height
      acrossColumns = [Double](repeating: 0, count: height.count)
      acrossRows = acrossColumns
    }
  }

  /// States at `frames` times, `interval` apart, the first at time 0.
  ///
  /// - Throws: `DataError.solverFailed` where a cell falls dry.
  package func solve(
    from initial: State, frames: Int, interval: Double
  ) throws(DataError) -> [State] {
    precondition(
      initial.height.count == rows * columns,
      "\(initial.height.count) cells for a grid of \(rows) × \(columns)")
    var state = initial
    var states = [initial]
    for _ in 1..<max(1, frames) {
      var remaining = interval
      while remaining > 0 {
        let step = min(remaining, longestStep(for: state))
        try advance(&state, by: step)
        remaining = step < remaining ? remaining - step : 0
      }
      states.append(state)
    }
    return states
  }

  /// courant · Δ / max(|u| + c + |v| + c), c = √(g h).
  private func longestStep(for state: State) -> Double {
    var fastest = 0.0
    for cell in state.height.indices {
      let height = state.height[cell]
      let flow = abs(state.acrossColumns[cell]) + abs(state.acrossRows[cell])
      fastest = max(fastest, flow / height + 2 * (gravity * height).squareRoot())
    }
    return courant * cellSize / fastest
  }

  /// U* = U + Δt L(U); U ← (U + U* + Δt L(U*)) / 2.
  private func advance(_ state: inout State, by step: Double) throws(DataError) {
    var next = state
    add(changes(of: state), times: step, to: &next)
    add(changes(of: next), times: step, to: &next)
    for cell in state.height.indices {
      state.height[cell] = (state.height[cell] + next.height[cell]) / 2
      state.acrossColumns[cell] = (state.acrossColumns[cell] + next.acrossColumns[cell]) / 2
      state.acrossRows[cell] = (state.acrossRows[cell] + next.acrossRows[cell]) / 2
    }
    guard state.height.allSatisfy({ $0 > 0 }) else {
      throw .solverFailed(
        equation: "shallow-water", reason: "a cell fell dry",
        remedy: "Start from a water height above zero everywhere.")
    }
  }

  private func add(_ changes: State, times step: Double, to state: inout State) {
    for cell in state.height.indices {
      state.height[cell] += step * changes.height[cell]
      state.acrossColumns[cell] += step * changes.acrossColumns[cell]
      state.acrossRows[cell] += step * changes.acrossRows[cell]
    }
  }

  /// L(U): minus the differences of the fluxes, line by line along both axes.
  private func changes(of state: State) -> State {
    var changes = State(height: [Double](repeating: 0, count: state.height.count))
    var line = Line(gravity: gravity, count: columns)
    for row in 0..<rows {
      line.load { place in
        let cell = row * columns + place
        return (state.height[cell], state.acrossColumns[cell], state.acrossRows[cell])
      }
      line.computeFluxes()
      for place in 0..<columns {
        let (cell, change) = (row * columns + place, line.divergence(at: place))
        changes.height[cell] -= change.height / cellSize
        changes.acrossColumns[cell] -= change.along / cellSize
        changes.acrossRows[cell] -= change.across / cellSize
      }
    }
    line = Line(gravity: gravity, count: rows)
    for column in 0..<columns {
      line.load { place in
        let cell = place * columns + column
        return (state.height[cell], state.acrossRows[cell], state.acrossColumns[cell])
      }
      line.computeFluxes()
      for place in 0..<rows {
        let (cell, change) = (place * columns + column, line.divergence(at: place))
        changes.height[cell] -= change.height / cellSize
        changes.acrossRows[cell] -= change.along / cellSize
        changes.acrossColumns[cell] -= change.across / cellSize
      }
    }
    return changes
  }
}

/// One line of cells with two ghost cells at each end: h, velocity along and across the line.
private struct Line {
  /// A triple of h and the two momenta or velocities.
  typealias Values = (height: Double, along: Double, across: Double)

  private let gravity: Double
  private let count: Int
  private var cells: [SIMD4<Double>]
  private var fluxes: [SIMD4<Double>]

  init(gravity: Double, count: Int) {
    self.gravity = gravity
    self.count = count
    cells = [SIMD4<Double>](repeating: .zero, count: count + 4)
    fluxes = [SIMD4<Double>](repeating: .zero, count: count + 1)
  }

  /// Takes h, h·along, h·across of each cell, and repeats the ends.
  mutating func load(_ conserved: (Int) -> (Double, Double, Double)) {
    for place in 0..<count {
      let (height, along, across) = conserved(place)
      cells[place + 2] = SIMD4(height, along / height, across / height, 0)
    }
    for ghost in 0..<2 {
      cells[ghost] = cells[2]
      cells[count + 2 + ghost] = cells[count + 1]
    }
  }

  /// Flux over the right face of cell `place` minus that over the left.
  func divergence(at place: Int) -> Values {
    let difference = fluxes[place + 1] - fluxes[place]
    return (difference[0], difference[1], difference[2])
  }

  /// Fluxes over the faces 0...count, face f lying left of cell f.
  mutating func computeFluxes() {
    var slopeLeft = Self.limited(cells[1] - cells[0], cells[2] - cells[1])
    for face in 0...count {
      let slopeRight = Self.limited(
        cells[face + 2] - cells[face + 1], cells[face + 3] - cells[face + 2])
      fluxes[face] = flux(
        left: cells[face + 1] + 0.5 * slopeLeft, right: cells[face + 2] - 0.5 * slopeRight)
      slopeLeft = slopeRight
    }
  }

  /// The smallest of 2 a, (a + b) / 2, 2 b where the slopes have equal sign, else zero.
  private static func limited(_ a: SIMD4<Double>, _ b: SIMD4<Double>) -> SIMD4<Double> {
    let central = 0.5 * (a + b)
    let steepest = (2 * a).replacing(with: 2 * b, where: (a * a) .> (b * b))
    let smaller = central.replacing(
      with: steepest, where: (central * central) .> (steepest * steepest))
    return smaller.replacing(with: 0, where: (a * b) .<= SIMD4.zero)
  }

  /// HLL: (s_R F_L - s_L F_R + s_L s_R (U_R - U_L)) / (s_R - s_L), with s_L ≤ 0 ≤ s_R.
  private func flux(left: SIMD4<Double>, right: SIMD4<Double>) -> SIMD4<Double> {
    let (rootLeft, rootRight) = (left[0].squareRoot(), right[0].squareRoot())
    let roeVelocity = (rootLeft * left[1] + rootRight * right[1]) / (rootLeft + rootRight)
    let roeSpeed = (gravity * (left[0] + right[0]) / 2).squareRoot()
    let rootGravity = gravity.squareRoot()
    let slowest = min(0, left[1] - rootGravity * rootLeft, roeVelocity - roeSpeed)
    let fastest = max(0, right[1] + rootGravity * rootRight, roeVelocity + roeSpeed)
    let jump = conserved(right) - conserved(left)
    let weighted = fastest * physicalFlux(left) - slowest * physicalFlux(right)
    return (weighted + slowest * fastest * jump) / (fastest - slowest)
  }

  /// h, h u, h v.
  private func conserved(_ state: SIMD4<Double>) -> SIMD4<Double> {
    SIMD4(state[0], state[0] * state[1], state[0] * state[2], 0)
  }

  /// h u, h u² + g h² / 2, h u v.
  private func physicalFlux(_ state: SIMD4<Double>) -> SIMD4<Double> {
    let discharge = state[0] * state[1]
    return SIMD4(
      discharge, discharge * state[1] + gravity * state[0] * state[0] / 2, discharge * state[2], 0)
  }
}
