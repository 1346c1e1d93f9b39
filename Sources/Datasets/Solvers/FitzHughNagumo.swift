import Foundation

/// Two-dimensional diffusion-reaction of FitzHugh and Nagumo on (-1, 1)² without flux over the border.
///
/// u_t = D_u Δu + u - u³ - k - v and v_t = D_v Δv + u - v. In space the five-point Laplacian of
/// PDEBench's finite volumes, since its initial data, white noise, have no limit on finer grids.
/// In time Strang splitting of second order: the reaction by the classical Runge-Kutta method, the
/// diffusion exactly in cosine space.
package struct FitzHughNagumo: Sendable {
  /// D_u, diffusion of the activator.
  package var activatorDiffusion = 1e-3
  /// D_v, diffusion of the inhibitor.
  package var inhibitorDiffusion = 5e-3
  /// k.
  package var threshold = 5e-3
  /// Splitting steps between two frames.
  package var substeps = 10

  package init() {}

  /// Activator u and inhibitor v at the centers of `grid` × `grid` cells, row-major.
  package struct State: Sendable, Equatable {
    package var activator: [Double]
    package var inhibitor: [Double]
    package init(activator: [Double], inhibitor: [Double]) {
      self.activator = activator
      self.inhibitor = inhibitor
    }
  }

  /// States at `frames` times, `interval` apart, the first at time 0.
  ///
  /// - Throws: `DataError.solverFailed` if the grid is not a power of two, or values leave all bounds.
  package func solve(
    from initial: State, grid: Int, frames: Int, interval: Double
  ) throws(DataError) -> [State] {
    guard FFT.supports(grid) else {
      throw .solverFailed(
        equation: "fitzhugh-nagumo", reason: "a grid of \(grid) cells is not a power of two",
        remedy: "Use 32, 64, 128, … cells.")
    }
    let step = interval / Double(substeps)
    let diffusion = Diffusion(
      grid: grid, activator: activatorDiffusion * step, inhibitor: inhibitorDiffusion * step)

    var state = initial
    var states = [initial]
    for frame in 1..<max(1, frames) {
      react(&state, for: step / 2)
      for substep in 1...substeps {
        diffusion.apply(to: &state)
        react(&state, for: substep < substeps ? step : step / 2)
      }
      guard state.activator.allSatisfy(\.isFinite) else {
        throw .solverFailed(
          equation: "fitzhugh-nagumo",
          reason: "values grew without bound before time \(Double(frame) * interval)",
          remedy: "Use a smaller interval between frames: a step of \(step) is too long.")
      }
      states.append(state)
    }
    return states
  }

  /// One Runge-Kutta step of fourth order in every cell.
  private func react(_ state: inout State, for time: Double) {
    func slope(_ u: Double, _ v: Double) -> (Double, Double) {
      (u - u * u * u - threshold - v, u - v)
    }
    for cell in state.activator.indices {
      let (u, v) = (state.activator[cell], state.inhibitor[cell])
      let (a, p) = slope(u, v)
      let (b, q) = slope(u + time / 2 * a, v + time / 2 * p)
      let (c, r) = slope(u + time / 2 * b, v + time / 2 * q)
      let (d, s) = slope(u + time * c, v + time * r)
      state.activator[cell] = u + time / 6 * (a + 2 * b + 2 * c + d)
      state.inhibitor[cell] = v + time / 6 * (p + 2 * q + 2 * r + s)
    }
  }
}

/// Exact diffusion over one step, of the five-point Laplacian with reflecting ends.
///
/// Cosine mode k of an axis of N cells of side Δ is its eigenvector with eigenvalue
/// -(2/Δ sin(π k / 2N))², so the mode decays by the exponential of that.
private struct Diffusion {
  private let grid: Int
  private let transform: CosineTransform
  private let activatorDecay: [Double]
  private let inhibitorDecay: [Double]

  /// `activator` and `inhibitor` are D_u and D_v times the step.
  init(grid: Int, activator: Double, inhibitor: Double) {
    self.grid = grid
    transform = CosineTransform(count: grid)
    // Δ = 2 / N.
    let roots = (0..<grid).map { Double(grid) * sin(.pi * Double($0) / Double(2 * grid)) }
    let squares = roots.map { $0 * $0 }
    activatorDecay = squares.map { exp(-activator * $0) }
    inhibitorDecay = squares.map { exp(-inhibitor * $0) }
  }

  /// The two axes decay independently: rows, then columns as rows of the transpose.
  func apply(to state: inout FitzHughNagumo.State) {
    for _ in 0..<2 {
      diffuseRows(of: &state)
      transpose(&state.activator)
      transpose(&state.inhibitor)
    }
  }

  private func diffuseRows(of state: inout FitzHughNagumo.State) {
    for row in 0..<grid {
      let cells = row * grid..<(row + 1) * grid
      var activator = Array(state.activator[cells])
      var inhibitor = Array(state.inhibitor[cells])
      transform.forward(&activator, &inhibitor)
      for mode in 0..<grid {
        activator[mode] *= activatorDecay[mode]
        inhibitor[mode] *= inhibitorDecay[mode]
      }
      transform.inverse(&activator, &inhibitor)
      for column in 0..<grid {
        state.activator[row * grid + column] = activator[column]
        state.inhibitor[row * grid + column] = inhibitor[column]
      }
    }
  }

  private func transpose(_ values: inout [Double]) {
    for row in 0..<grid {
      for column in 0..<row { values.swapAt(row * grid + column, column * grid + row) }
    }
  }
}
