import Foundation

/// Discrete Fourier transform of complex sequences whose length is a power of two.
///
/// Iterative radix 2 with decimation in time, as Cooley and Tukey (1965); relative error about 1e-16
/// times the number of levels.
package struct FFT: Sendable {
  /// Length of the sequences.
  package let count: Int
  /// exp(-2πi k / count) for k < count/2.
  private let cosines: [Double]
  private let sines: [Double]
  private let reversed: [Int]

  /// Prepares transforms of `count` values, a power of two.
  package init(count: Int) {
    precondition(Self.supports(count), "FFT of \(count) values: the count is no power of two")
    self.count = count
    let angles = (0..<count / 2).map { 2 * Double.pi * Double($0) / Double(count) }
    cosines = angles.map { cos($0) }
    sines = angles.map { -sin($0) }
    var reversed = [Int](repeating: 0, count: count)
    for index in 1..<max(1, count) {
      reversed[index] = reversed[index / 2] / 2 + (index % 2 == 1 ? count / 2 : 0)
    }
    self.reversed = reversed
  }

  /// Whether a transform of this length exists.
  package static func supports(_ count: Int) -> Bool { count > 0 && count & (count - 1) == 0 }

  /// X[k] = Σ_n x[n] exp(-2πi k n / count), in place.
  package func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
    precondition(
      real.count == count && imaginary.count == count,
      "FFT of \(count) values got \(real.count) and \(imaginary.count)")
    real.withUnsafeMutableBufferPointer { real in
      imaginary.withUnsafeMutableBufferPointer { imaginary in
        for index in 0..<count where index < reversed[index] {
          real.swapAt(index, reversed[index])
          imaginary.swapAt(index, reversed[index])
        }
        var half = 1
        while half < count {
          combine(half: half, real, imaginary)
          half *= 2
        }
      }
    }
  }

  /// x[n] = (1 / count) Σ_k X[k] exp(2πi k n / count), in place.
  package func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
    forward(&imaginary, &real)
    let scale = 1 / Double(count)
    for index in 0..<count {
      real[index] *= scale
      imaginary[index] *= scale
    }
  }

  /// The signed frequency of coefficient `index`: 0, 1, …, count/2, -(count/2 - 1), …, -1.
  package func frequency(_ index: Int) -> Double {
    Double(index <= count / 2 ? index : index - count)
  }

  /// One level of butterflies: pairs at distance `half`.
  private func combine(
    half: Int, _ real: UnsafeMutableBufferPointer<Double>,
    _ imaginary: UnsafeMutableBufferPointer<Double>
  ) {
    let step = count / (2 * half)
    for start in stride(from: 0, to: count, by: 2 * half) {
      for offset in 0..<half {
        let (low, high) = (start + offset, start + offset + half)
        let (cosine, sine) = (cosines[offset * step], sines[offset * step])
        let turnedReal = real[high] * cosine - imaginary[high] * sine
        let turnedImaginary = real[high] * sine + imaginary[high] * cosine
        real[high] = real[low] - turnedReal
        imaginary[high] = imaginary[low] - turnedImaginary
        real[low] += turnedReal
        imaginary[low] += turnedImaginary
      }
    }
  }
}
