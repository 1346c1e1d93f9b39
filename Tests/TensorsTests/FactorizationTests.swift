import Tensors
import TestSupport
import Testing

@Suite("Factorizations")
struct FactorizationTests {
  private func matrix(_ rows: Int, _ columns: Int, seed: Int = 1) -> Tensor {
    FiniteDifferences.values([rows, columns], seed: seed)
  }

  private func identity(_ n: Int) -> Tensor {
    Tensor((0..<(n * n)).map { $0 % (n + 1) == 0 ? 1.0 : 0 }, shape: [n, n])
  }

  @Test(
    "the singular values give the matrix back, descending, with fixed signs",
    arguments: [(5, 9), (9, 5), (6, 6)])
  func singularValues(rows: Int, columns: Int) {
    let w = matrix(rows, columns)
    let parts = w.singularValues()
    let k = min(rows, columns)
    #expect(parts.left.shape == [rows, k] && parts.right.shape == [k, columns])
    let values = parts.values.elements(as: Double.self)
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 } && values.allSatisfy { $0 > 0 })
    let back = matrixProduct(parts.left * parts.values, parts.right)
    #expect(back.largestDifference(from: w) < 1e-12)
    let gram = matrixProduct(parts.left.permuted([1, 0]), parts.left)
    #expect(gram.largestDifference(from: identity(k)) < 1e-12)
    for column in 0..<k {
      let entries = parts.left.sliced(axis: 1, column..<(column + 1)).elements(as: Double.self)
      #expect((entries.max { abs($0) < abs($1) } ?? 0) > 0)
    }
  }

  @Test("Q R is the matrix, R upper triangular", arguments: [(5, 9), (9, 5)])
  func orthogonalTriangular(rows: Int, columns: Int) {
    let w = matrix(rows, columns, seed: 2)
    let (q, r) = w.orthogonalTriangular()
    #expect(matrixProduct(q, r).largestDifference(from: w) < 1e-12)
    let k = min(rows, columns)
    #expect(matrixProduct(q.permuted([1, 0]), q).largestDifference(from: identity(k)) < 1e-12)
    let entries = r.elements(as: Double.self)
    for row in 0..<k { for column in 0..<row { #expect(entries[row * columns + column] == 0) } }
  }

  @Test("L U is the matrix with its rows in order", arguments: [(5, 9), (9, 5), (6, 6)])
  func lowerUpper(rows: Int, columns: Int) {
    let w = matrix(rows, columns, seed: 3)
    let parts = w.lowerUpper()
    let ordered = Tensor.concatenated(
      parts.order.map { w.sliced(axis: 0, $0..<($0 + 1)) }, axis: 0)
    #expect(matrixProduct(parts.lower, parts.upper).largestDifference(from: ordered) < 1e-12)
    #expect(parts.lower.elements(as: Double.self)[0] == 1)
  }

  @Test("eigenvectors of a symmetric matrix are orthonormal and give it back")
  func symmetricEigenvalues() {
    let w = matrix(6, 6, seed: 4)
    let symmetric = w + w.permuted([1, 0])
    let (values, vectors) = symmetric.symmetricEigenvalues()
    let numbers = values.elements(as: Double.self)
    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 <= $1 })
    let back = matrixProduct(vectors * values, vectors.permuted([1, 0]))
    #expect(back.largestDifference(from: symmetric) < 1e-12)
  }

  @Test("inverses of one matrix and of a batch, with their gradients")
  func inverse() throws {
    for shape in [[4, 4], [3, 4, 4]] {
      let shifted =
        FiniteDifferences.values(shape, seed: 5)
        + (shape.count == 2
        ? identity(4)
        : Tensor.concatenated(
          (0..<3).map { _ in identity(4).reshaped(to: [1, 4, 4]) }, axis: 0)).scaled(by: 3)
      let leaf = Node()
      let inverse = shifted.tracked(by: leaf).inverse()
      let n = shape.count == 2 ? 1 : shape[0]
      for index in 0..<n {
        let part = { (t: Tensor) in
          t.detached().reshaped(to: [n, 4, 4]).sliced(axis: 0, index..<(index + 1)).reshaped(to: [
            4, 4,
          ])
        }
        let product = matrixProduct(part(inverse), part(shifted))
        #expect(product.largestDifference(from: identity(4)) < 1e-12)
      }
      let seed = FiniteDifferences.values(shape, seed: 6)
      let gradient = try #require(inverse.gradients(for: seed)[leaf])
      var elements = shifted.elements(as: Double.self)
      for position in [0, 5, elements.count - 2] {
        let original = elements[position]
        let sides = [1e-6, -1e-6].map { step -> Double in
          elements[position] = original + step
          return (Tensor(elements, shape: shape).inverse() * seed).sum().scalar
        }
        elements[position] = original
        let found = gradient.elements(as: Double.self)[position]
        #expect(abs((sides[0] - sides[1]) / 2e-6 - found) < 1e-7)
      }
    }
    let singular = Tensor(filledWith: 1, shape: [3, 3]).inverse()
    #expect(singular.elements(as: Float.self).allSatisfy { !$0.isFinite })
  }
}
