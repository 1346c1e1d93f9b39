import Foundation
import Tensors

/// Random initial data of the one-dimensional equations: a sum of two sines of period 1.
///
/// Wave numbers uniform on 1...4, amplitudes U(0, 1), phases U(0, 2π).
struct SineProfile: Sendable {
  private let waves: [(amplitude: Double, number: Double, phase: Double)]
  private var scale = 1.0
  private var offset = 0.0

  init(drawing random: inout Philox) {
    var waves: [(amplitude: Double, number: Double, phase: Double)] = []
    for _ in 0..<2 {
      let number = Double(1 + random.below(4))
      let amplitude = random.uniform()
      waves.append((amplitude, number, random.uniform() * 2 * .pi))
    }
    self.waves = waves
  }

  func callAsFunction(_ x: Double) -> Double {
    offset + scale
      * waves.reduce(0) { $0 + $1.amplitude * sin(2 * .pi * $1.number * x + $1.phase) }
  }

  /// The same shape between two values, reached on the centers of `cells` cells.
  func rescaled(to range: ClosedRange<Double>, cells: Int) -> SineProfile {
    let values = (0..<cells).map { self((Double($0) + 0.5) / Double(cells)) }
    let lowest = values.min() ?? 0
    let spread = (values.max() ?? 0) - lowest
    var profile = self
    // Two waves that cancel leave no shape: the middle of the range stands for it.
    guard spread > 0 else {
      profile.scale = 0
      profile.offset = (range.lowerBound + range.upperBound) / 2
      return profile
    }
    profile.scale = scale * (range.upperBound - range.lowerBound) / spread
    profile.offset =
      range.lowerBound + (offset - lowest) * (range.upperBound - range.lowerBound) / spread
    return profile
  }
}
