/// Root mean squared error in three bands of spatial wave numbers, after the idea of PDEBench's
/// fRMSE (arXiv 2210.07182); the squares of the three add up to the trajectory's MSE (Parseval).
package struct SpectralError: FieldMetric {
  package static let name = "spectral"
  package static let outputs = ["spectral_low", "spectral_mid", "spectral_high"]
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula =
    "per trajectory √(mean Σ |ê(k)|²), ê the Fourier coefficients (sum over cells / number of "
    + "cells) of p − y over the space axes, the sum over wave numbers of a band: low |k| ≤ 4, mid "
    + "4 < |k| ≤ 12, high |k| > 12 with |k| = √(kx² + ky² + kz²) in cycles per domain, the mean "
    + "over frames, fields and components; then the mean over trajectories"

  private var means = [RunningMean](repeating: RunningMean(), count: 3)
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let spectrum = SpaceSpectrum(space: truth.shape.space)
    var bands = [RunningMean](repeating: RunningMean(), count: 3)
    TrajectoryPair(prediction, truth).forEachSlice { p, y in
      let power = spectrum.power(of: (0..<y.count).map { Double(p[$0]) - Double(y[$0]) })
      for band in 0..<3 { bands[band].add(power[band]) }
    }
    for band in 0..<3 { means[band].add(bands[band].value.squareRoot()) }
  }

  package mutating func merge(_ other: SpectralError) {
    for band in 0..<3 { means[band].merge(other.means[band]) }
  }

  package var values: [Double] { means.map(\.value) }
}

/// Power in the three bands of a scalar field on a grid `[D, H, W]`.
private struct SpaceSpectrum {
  private let space: [Int]
  private let transforms: [FourierTransform]
  /// Band of each cell of the spectrum.
  private let bands: [Int]

  init(space: [Int]) {
    self.space = space
    transforms = space.map(FourierTransform.init(length:))
    bands = (0..<space.reduce(1, *)).map { cell in
      var rest = cell
      var squared = 0
      for length in space.reversed() {
        let wave = min(rest % length, length - rest % length)
        squared += wave * wave
        rest /= length
      }
      return squared <= 16 ? 0 : squared <= 144 ? 1 : 2
    }
  }

  func power(of field: [Double]) -> [Double] {
    var cells = field.map { FourierTransform.Complex(real: $0, imaginary: 0) }
    var stride = 1
    for axis in space.indices.reversed() {
      let length = space[axis]
      if length > 1 {
        for start in cells.indices where start / stride % length == 0 {
          let line = transforms[axis].transformed(
            (0..<length).map { cells[start + $0 * stride] })
          for position in 0..<length { cells[start + position * stride] = line[position] }
        }
      }
      stride *= length
    }
    let scale = 1 / Double(cells.count * cells.count)
    var power = [0.0, 0.0, 0.0]
    for (band, cell) in zip(bands, cells) { power[band] += cell.squaredMagnitude * scale }
    return power
  }
}
