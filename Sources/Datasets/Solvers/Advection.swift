/// Exact solution of u_t + β u_x = 0: the profile moved by β t.
package struct Advection: PeriodicSolver {
  /// β, in domain lengths per unit of time.
  package let speed: Double

  package init(speed: Double) { self.speed = speed }

  package func solve(
    from profile: (Double) -> Double, grid: Int, frames: Int, interval: Double
  ) throws(DataError) -> [Double] {
    (0..<frames).flatMap { frame in
      let shift = speed * Double(frame) * interval
      return sampled({ profile($0 - shift) }, grid: grid)
    }
  }
}
