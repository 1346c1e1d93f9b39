import Foundation

/// Discrete cosine transform (DCT-II) of complex sequences, by one Fourier transform of equal length.
///
/// X[k] = Σ_n z[n] cos(π k (n + 1/2) / N). Cosines at cell centers are the modes of a cell grid with
/// reflecting ends. The reordering is that of Makhoul (1980); the transform is linear, so real and
/// imaginary part may carry two real sequences.
struct CosineTransform: Sendable {
  let count: Int
  private let transform: FFT
  /// cos and sin of π k / 2N.
  private let cosines: [Double]
  private let sines: [Double]

  init(count: Int) {
    self.count = count
    transform = FFT(count: count)
    cosines = (0..<count).map { cos(.pi * Double($0) / Double(2 * count)) }
    sines = (0..<count).map { sin(.pi * Double($0) / Double(2 * count)) }
  }

  /// Sequences in, coefficients out, in place.
  func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
    var (a, b) = (folded(real), folded(imaginary))
    transform.forward(&a, &b)
    for k in 0..<count {
      // X[k] = (exp(-iθ) V[k] + exp(iθ) V[N - k]) / 2, θ = π k / 2N.
      let mirrored = (count - k) % count
      real[k] = (cosines[k] * (a[k] + a[mirrored]) + sines[k] * (b[k] - b[mirrored])) / 2
      imaginary[k] = (cosines[k] * (b[k] + b[mirrored]) - sines[k] * (a[k] - a[mirrored])) / 2
    }
  }

  /// Coefficients in, sequences out, in place.
  func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
    var (a, b) = (real, imaginary)
    for k in 0..<count {
      // V[k] = exp(iθ) (X[k] - i X[N - k]), with X[N] = 0.
      let mirroredReal = k == 0 ? 0 : real[count - k]
      let mirroredImaginary = k == 0 ? 0 : imaginary[count - k]
      let (x, y) = (real[k] + mirroredImaginary, imaginary[k] - mirroredReal)
      a[k] = cosines[k] * x - sines[k] * y
      b[k] = sines[k] * x + cosines[k] * y
    }
    transform.inverse(&a, &b)
    unfold(a, into: &real)
    unfold(b, into: &imaginary)
  }

  /// Even places ascending, then odd places descending.
  private func folded(_ values: [Double]) -> [Double] {
    (0..<count).map { 2 * $0 < count ? values[2 * $0] : values[2 * (count - $0) - 1] }
  }

  private func unfold(_ values: [Double], into target: inout [Double]) {
    for place in 0..<count {
      target[2 * place < count ? 2 * place : 2 * (count - place) - 1] = values[place]
    }
  }
}
