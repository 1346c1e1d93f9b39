internal import Foundation

/// Weights of pixels near a straight line through the middle one.
///
/// A pixel weighs max(0, 1 − d), d being the distance of its center from the line of `length` − 1
/// pixels around the middle: at 0 and 90 degrees `length` equal weights.
struct LineKernel: Sendable {
  struct Tap: Sendable {
    let row: Int
    let column: Int
    let weight: Float
  }

  /// Pixels of positive weight, relative to the middle one.
  let taps: [Tap]
  /// Farthest row or column of a tap.
  let reach: Int

  /// A line of `length` ≥ 1 pixels; `angle` in degrees counts counterclockwise from the rows.
  init(length: Double, angle: Double) {
    let half = max(0, (length - 1) / 2)
    let (along, up) = (cos(angle * .pi / 180), sin(angle * .pi / 180))
    let reach = Int(half.rounded(.up)) + 1
    var taps: [Tap] = []
    for row in -reach...reach {
      for column in -reach...reach {
        let (x, y) = (Double(column), -Double(row))
        let position = min(max(x * along + y * up, -half), half)
        let distance = hypot(x - position * along, y - position * up)
        // Rounding of the angle's sine must leave no taps beside an axis.
        if distance < 1 - 1e-9 {
          taps.append(Tap(row: row, column: column, weight: Float(1 - distance)))
        }
      }
    }
    self.taps = taps
    self.reach = taps.reduce(0) { max($0, abs($1.row), abs($1.column)) }
  }
}
