import Datasets
import Foundation
import Testing

@Suite("Fourier transform")
struct FFTTests {
  @Test("agrees with the sum that defines it", arguments: [1, 2, 4, 32])
  func definition(count: Int) {
    let transform = FFT(count: count)
    let real = (0..<count).map { sin(Double($0 * $0) + 1) }
    let imaginary = (0..<count).map { cos(Double(3 * $0) - 2) }
    var (transformedReal, transformedImaginary) = (real, imaginary)
    transform.forward(&transformedReal, &transformedImaginary)
    for k in 0..<count {
      var (sumReal, sumImaginary) = (0.0, 0.0)
      for n in 0..<count {
        let angle = -2 * Double.pi * Double(k * n) / Double(count)
        sumReal += real[n] * cos(angle) - imaginary[n] * sin(angle)
        sumImaginary += real[n] * sin(angle) + imaginary[n] * cos(angle)
      }
      #expect(abs(transformedReal[k] - sumReal) < 1e-12)
      #expect(abs(transformedImaginary[k] - sumImaginary) < 1e-12)
    }
  }

  @Test("the inverse gives the values back")
  func inverse() {
    let transform = FFT(count: 1024)
    let values = (0..<1024).map { sin(Double($0 * $0)) }
    var (real, imaginary) = (values, [Double](repeating: 0, count: 1024))
    transform.forward(&real, &imaginary)
    transform.inverse(&real, &imaginary)
    #expect(zip(real, values).allSatisfy { abs($0 - $1) < 1e-14 })
    #expect(imaginary.allSatisfy { abs($0) < 1e-14 })
  }
}
