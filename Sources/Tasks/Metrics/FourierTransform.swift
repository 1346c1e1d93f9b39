internal import Foundation

/// Discrete Fourier transform of one length, X(k) = Σ x(j) exp(−2πi jk/n), without normalization.
///
/// Cooley–Tukey decimation in time by the prime factors of the length, smallest first: of order
/// n · (sum of prime factors), so any length works and powers of two are fast.
package struct FourierTransform: Sendable {
  package let length: Int
  private let cosines: [Double]
  private let sines: [Double]

  package init(length: Int) {
    self.length = length
    let angles = (0..<length).map { 2 * Double.pi * Double($0) / Double(length) }
    cosines = angles.map(cos)
    sines = angles.map(sin)
  }

  /// Transforms one line of complex numbers.
  package func transformed(_ line: [Complex]) -> [Complex] {
    precondition(line.count == length, "line of \(line.count) for a transform of \(length)")
    var output = [Complex](repeating: Complex(), count: length)
    var scratch = output
    transform(line, from: 0, stride: 1, count: length, into: &output, at: 0, scratch: &scratch)
    return output
  }

  /// A number with a real and an imaginary part.
  package struct Complex: Sendable {
    package var real: Double
    package var imaginary: Double

    package init(real: Double = 0, imaginary: Double = 0) {
      self.real = real
      self.imaginary = imaginary
    }

    var squaredMagnitude: Double { real * real + imaginary * imaginary }
  }

  private func transform(
    _ input: [Complex], from start: Int, stride: Int, count: Int,
    into output: inout [Complex], at offset: Int, scratch: inout [Complex]
  ) {
    guard count > 1 else {
      output[offset] = input[start]
      return
    }
    let factor = Self.smallestFactor(of: count)
    let part = count / factor
    for residue in 0..<factor {
      transform(
        input, from: start + residue * stride, stride: stride * factor, count: part,
        into: &output, at: offset + residue * part, scratch: &scratch)
    }
    // X(k) = Σ_r exp(−2πi rk/count) · X_r(k mod part), over the residues r.
    let step = length / count
    for k in 0..<count {
      var sum = Complex()
      for residue in 0..<factor {
        let value = output[offset + residue * part + k % part]
        let turn = residue * k % count * step
        sum.real += value.real * cosines[turn] + value.imaginary * sines[turn]
        sum.imaginary += value.imaginary * cosines[turn] - value.real * sines[turn]
      }
      scratch[k] = sum
    }
    for k in 0..<count { output[offset + k] = scratch[k] }
  }

  private static func smallestFactor(of number: Int) -> Int {
    var factor = 2
    while factor * factor <= number {
      if number.isMultiple(of: factor) { return factor }
      factor += 1
    }
    return number
  }
}
