import Layers
import Tensors

/// Matrix operations that several methods share; all are on the tape.
extension Tensor {
  static func identity(_ size: Int, _ dtype: DType) -> Tensor {
    var values = [Double](repeating: 0, count: size * size)
    for index in 0..<size { values[index * size + index] = 1 }
    return Tensor(values, shape: [size, size]).cast(to: dtype)
  }

  /// A matrix `[m, n]` with row i times element i of `[m]`.
  func rowsScaled(by factors: Tensor) -> Tensor {
    self * factors.reshaped(to: [shape[0], 1]).expanded(to: shape)
  }

  /// The transposed matrix.
  var transposed: Tensor { permuted([1, 0]) }

  /// √(Σ x² + ε²) over all elements, a scalar whose gradient exists at zero too.
  func frobeniusNorm(epsilon: Double = 1e-12) -> Tensor {
    let sum = (self * self).sum()
    return (sum + Tensor(filledWith: epsilon * epsilon, shape: [], dtype: dtype)).squareRoot()
  }

  /// Euclidean norms of rows `[m, n]`, `[m]`; those below `floor` are it and constant.
  func rowNorms(atLeast floor: Double = 0) -> Tensor {
    let squares = (self * self).summed(over: [1]).reshaped(to: [shape[0]])
    guard floor > 0 else { return squares.squareRoot() }
    let limit = floor * floor
    let found = squares.detached().cast(to: .f64).elements(as: Double.self)
    let kept = Tensor(found.map { $0 < limit ? 0.0 : 1 }, shape: squares.shape)
    let filled = Tensor(found.map { $0 < limit ? limit : 0.0 }, shape: squares.shape)
    return (squares * kept.cast(to: dtype) + filled.cast(to: dtype)).squareRoot()
  }

  /// Orthonormal columns that span those of `[m, r]` one after another, by Gram–Schmidt.
  func orthonormalColumns() -> Tensor {
    let rows = transposed
    var found: Tensor?
    for index in 0..<rows.shape[0] {
      var row = rows.sliced(axis: 0, index..<(index + 1))
      if let found { row = row - matrixProduct(linear(row, weight: found), found) }
      let unit = row * row.rowNorms().reshaped(to: []).reciprocal()
      found = found.map { Tensor.concatenated([$0, unit], axis: 0) } ?? unit
    }
    return (found ?? rows).transposed
  }

  /// Kronecker product of `[a, b]` and `[c, d]`, `[a c, b d]`.
  func kronecker(_ other: Tensor) -> Tensor {
    let (a, b, c, d) = (shape[0], shape[1], other.shape[0], other.shape[1])
    return matrixProduct(reshaped(to: [a * b, 1]), other.reshaped(to: [1, c * d]))
      .reshaped(to: [a, b, c, d]).permuted([0, 2, 1, 3]).reshaped(to: [a * c, b * d])
  }

  /// Skew-symmetric matrices `[n, b, b]` from their strict upper triangles by rows,
  /// `[n, b (b − 1) / 2]`.
  func skewSymmetric(size: Int) -> Tensor {
    var places: [Int32] = []
    var next: Int32 = 1
    for row in 0..<size {
      for column in 0..<size {
        places.append(column > row ? next : 0)
        next += column > row ? 1 : 0
      }
    }
    let upper = padded(axis: 1, before: 1, after: 0)
      .gathered(axis: 1, indices: Tensor(places, shape: [places.count]))
      .reshaped(to: [shape[0], size, size])
    return upper - upper.permuted([0, 2, 1])
  }

  /// The Cayley transform (I − Q)(I + Q)⁻¹ of skew-symmetric `[n, b, b]`: rotations.
  func cayley() -> Tensor {
    let identity = Tensor.identity(shape[2], dtype)
    return batchedProduct(scaled(by: -1) + identity, (self + identity).inverse())
  }

  /// I + 2Q + 2Q² + … + Qᵗ⁻¹, the Cayley transform (I + Q)(I − Q)⁻¹ to few terms (OFT in PEFT 0.21.2,
  /// which computes four terms where three are asked for).
  func cayleyNeumann(terms: Int) -> Tensor {
    let identity = Tensor.identity(shape[2], dtype)
    var sum = scaled(by: 0) + identity
    guard terms > 1 else { return sum }
    sum = sum + scaled(by: 2)
    guard terms > 2 else { return sum }
    var power = batchedProduct(self, self)
    sum = sum + power.scaled(by: 2)
    for _ in 3..<max(3, terms - 1) {
      power = batchedProduct(power, self)
      sum = sum + power.scaled(by: 2)
    }
    return sum + batchedProduct(power, self)
  }

  /// Blocks of b consecutive values on the last axis, each as a row times its matrix of `[n, b, b]`,
  /// or its transpose.
  func blocksTimes(_ matrices: Tensor, transposed: Bool = false) -> Tensor {
    let (count, size) = (matrices.shape[0], matrices.shape[2])
    let blocks = reshaped(to: [-1, count, size]).permuted([1, 0, 2])
    return batchedProduct(blocks, matrices, transposeB: transposed).permuted([1, 0, 2])
      .reshaped(to: shape)
  }
}

extension SiteRows {
  /// W x + b of a frozen layer.
  func plain(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let y = product(x, context)
    guard let bias else { return y }
    return site.kind == .linear ? y + bias : y.affineByChannel(weight: nil, bias: bias)
  }
}
