/// Principal components of spectra: the directions of largest variance, and scores along them.
///
/// As scikit-learn's `PCA` with the full solver: centered, variance with n - 1, each direction's sign
/// such that its entry of largest magnitude is positive; whitening divides scores by the square root of
/// their variance. In double precision.
package struct PrincipalComponents: Codable, Sendable, Equatable {
  /// Mean spectrum, `[band]`.
  package let mean: [Double]
  /// Directions by falling variance, `[component, band]`.
  package let directions: [[Double]]
  /// Variance along each direction.
  package let variances: [Double]
  package let whitens: Bool

  private enum CodingKeys: String, CodingKey {
    case mean, variances
    case directions = "components"
    case whitens = "whiten"
  }

  /// Fits spectra `[band, pixel]`, of which `pixels` count.
  ///
  /// - Throws: `DataError.optionInvalid` for more components than bands or pixels can give.
  package init(
    of values: [Float], bands: Int, pixels: [Int], components: Int, whitens: Bool
  ) throws(DataError) {
    let width = values.count / bands
    guard components >= 1, components <= bands, components < pixels.count else {
      throw .optionInvalid(
        key: "data.inputs.image.reduce.components", found: "\(components)",
        expected:
          "from 1 to \(bands), the number of bands, and fewer than the \(pixels.count) pixels "
          + "of the fit")
    }
    let mean = (0..<bands).map { band in
      pixels.reduce(0.0) { $0 + Double(values[band * width + $1]) } / Double(pixels.count)
    }
    let centered = (0..<bands).map { band in
      pixels.map { Double(values[band * width + $0]) - mean[band] }
    }
    var covariance = [[Double]](repeating: [Double](repeating: 0, count: bands), count: bands)
    for one in 0..<bands {
      for other in 0...one {
        let sum = Self.product(centered[one], centered[other])
        covariance[one][other] = sum / Double(pixels.count - 1)
        covariance[other][one] = covariance[one][other]
      }
    }
    let (values, vectors) = Self.eigen(covariance)
    let order = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }.prefix(components)
    self.mean = mean
    self.whitens = whitens
    variances = order.map { max(0, values[$0]) }
    directions = order.map { number in
      let direction = vectors[number]
      let largest = direction.max { abs($0) < abs($1) } ?? 1
      return largest < 0 ? direction.map { -$0 } : direction
    }
    if whitens, let weakest = variances.last, !(weakest > 1e-12 * (variances.first ?? 0)) {
      throw .optionInvalid(
        key: "data.inputs.image.reduce.components", found: "\(components)",
        expected: "fewer, since the last has no variance to be whitened by")
    }
  }

  /// Scores `[component, pixel]` of spectra `[band, pixel]`.
  package func scores(_ values: [Float]) -> [Float] {
    let width = values.count / mean.count
    var result: [Float] = []
    result.reserveCapacity(directions.count * width)
    for (number, direction) in directions.enumerated() {
      let factor = whitens ? 1 / variances[number].squareRoot() : 1
      var sums = [Double](repeating: 0, count: width)
      for band in mean.indices {
        let weight = direction[band] * factor
        for pixel in 0..<width {
          sums[pixel] += (Double(values[band * width + pixel]) - mean[band]) * weight
        }
      }
      result += sums.map { Float($0) }
    }
    return result
  }

  /// Sum of products, in eight sums that are added at the end.
  private static func product(_ one: [Double], _ other: [Double]) -> Double {
    one.withUnsafeBytes { one in
      other.withUnsafeBytes { other in
        var sums = SIMD8<Double>(repeating: 0)
        let lanes = MemoryLayout<SIMD8<Double>>.size
        var position = 0
        while position + lanes <= one.count {
          sums +=
            one.loadUnaligned(fromByteOffset: position, as: SIMD8<Double>.self)
            * other.loadUnaligned(fromByteOffset: position, as: SIMD8<Double>.self)
          position += lanes
        }
        var sum = sums.sum()
        while position < one.count {
          sum +=
            one.load(fromByteOffset: position, as: Double.self)
            * other.load(fromByteOffset: position, as: Double.self)
          position += 8
        }
        return sum
      }
    }
  }

  /// Eigenvalues and unit eigenvectors of a symmetric matrix by Jacobi's rotations (Golub and Van Loan,
  /// "Matrix Computations", algorithm 8.5.3), as accurate for small values as for large ones.
  private static func eigen(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
    let count = matrix.count
    var a = matrix.flatMap { $0 }
    // Rows are the vectors.
    var v = [Double](repeating: 0, count: count * count)
    for index in 0..<count { v[index * count + index] = 1 }
    let scale = (0..<count).reduce(0) { $0 + abs(a[$1 * count + $1]) } / Double(count)
    for _ in 0..<largestSweepCount {
      var largest = 0.0
      for p in 0..<count {
        for q in (p + 1)..<max(count, p + 1) {
          let off = a[p * count + q]
          largest = max(largest, abs(off))
          guard abs(off) > 1e-300 else { continue }
          let theta = (a[q * count + q] - a[p * count + p]) / (2 * off)
          let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          let s = t * c
          for k in 0..<count {
            let (kp, kq) = (a[k * count + p], a[k * count + q])
            a[k * count + p] = c * kp - s * kq
            a[k * count + q] = s * kp + c * kq
          }
          for k in 0..<count {
            let (pk, qk) = (a[p * count + k], a[q * count + k])
            a[p * count + k] = c * pk - s * qk
            a[q * count + k] = s * pk + c * qk
            let (vp, vq) = (v[p * count + k], v[q * count + k])
            v[p * count + k] = c * vp - s * vq
            v[q * count + k] = s * vp + c * vq
          }
        }
      }
      if largest <= 1e-15 * scale { break }
    }
    return (
      (0..<count).map { a[$0 * count + $0] },
      (0..<count).map { Array(v[($0 * count)..<(($0 + 1) * count)]) }
    )
  }

  /// Convergence is quadratic; 300 bands take about ten sweeps.
  private static let largestSweepCount = 40
}
