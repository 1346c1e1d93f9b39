import Tensors

/// The Walsh–Hadamard transform along the last axis of a length n = 2ᵃ K: x ↦ x (H_K ⊗ H₂ ⊗ … ⊗ H₂).
///
/// H_K, K a multiple of 4, is Paley's matrix of that order: with χ the quadratic character of a prime q,
/// I + S for q = K − 1 ≡ 3 (mod 4), S the χ(i − j) bordered by −1 above and 1 on the left; for
/// q = K/2 − 1 ≡ 1 (mod 4) the second construction. K is the least that exists for n.
struct WalshHadamard: Sendable {
  let size: Int
  /// Matrices of ±1 whose Kronecker product is the transform's, outermost first.
  private let factors: [Tensor]

  /// Nil for a length that no such K divides.
  init?(size: Int) {
    guard size > 0, let order = Self.order(size) else { return nil }
    self.size = size
    var factors: [Tensor] = []
    if order > 1 {
      guard let matrix = Self.paley(order) else { return nil }
      factors.append(Self.tensor(matrix))
    }
    var power = size / order
    while power > 1 {
      let part = min(power, 32)
      factors.append(Self.tensor(Self.sylvester(part)))
      power /= part
    }
    self.factors = factors
  }

  /// The transform of each row of `[m, n]`, on the tape.
  func callAsFunction(_ x: Tensor) -> Tensor {
    var (result, before) = (x, x.shape[0])
    for factor in factors {
      let own = factor.shape[0]
      let after = x.elementCount / before / own
      result = matrixProduct(
        result.reshaped(to: [before, own, after]).permuted([0, 2, 1]).reshaped(to: [-1, own]),
        factor.cast(to: x.dtype)
      ).reshaped(to: [before, after, own]).permuted([0, 2, 1])
      before *= own
    }
    return result.reshaped(to: x.shape)
  }

  /// The least K with n/K a power of two and a known matrix.
  private static func order(_ size: Int) -> Int? {
    var odd = size
    while odd % 2 == 0 { odd /= 2 }
    if odd == 1 { return 1 }
    var order = odd * 4
    while order <= size, size % order == 0 {
      if paley(order) != nil { return order }
      order *= 2
    }
    return nil
  }

  private static func sylvester(_ size: Int) -> [[Float]] {
    (0..<size).map { row in
      (0..<size).map { (row & $0).nonzeroBitCount % 2 == 0 ? 1 : -1 }
    }
  }

  private static func paley(_ order: Int) -> [[Float]]? {
    if isPrime(order - 1), (order - 1) % 4 == 3 {
      var matrix = bordered(order - 1, above: -1)
      for index in 0..<order { matrix[index][index] += 1 }
      return matrix
    }
    let prime = order / 2 - 1
    guard order % 4 == 0, isPrime(prime), prime % 4 == 1 else { return nil }
    let symmetric = bordered(prime, above: 1)
    return (0..<order).map { row in
      (0..<order).map { column in
        let (i, j) = (row / 2, column / 2)
        let isLast = (row % 2 == 1, column % 2 == 1)
        let plus: Float = isLast == (true, true) ? -1 : 1
        let minus: Float = isLast == (false, false) ? 1 : -1
        return symmetric[i][j] * plus + (i == j ? minus : 0)
      }
    }
  }

  /// χ(i − j) behind a first row `above` and a first column of 1, the diagonal 0.
  private static func bordered(_ prime: Int, above: Float) -> [[Float]] {
    let squares = Set((1..<prime).map { $0 * $0 % prime })
    func character(_ value: Int) -> Float {
      value == 0 ? 0 : squares.contains(value) ? 1 : -1
    }
    return (0...prime).map { row in
      (0...prime).map { column in
        if row == 0 { return column == 0 ? 0 : above }
        return column == 0 ? 1 : character((row - column + prime) % prime)
      }
    }
  }

  private static func isPrime(_ number: Int) -> Bool {
    guard number > 2 else { return number == 2 }
    return !(2..<number).prefix { $0 * $0 <= number }.contains { number % $0 == 0 }
  }

  private static func tensor(_ matrix: [[Float]]) -> Tensor {
    Tensor(matrix.flatMap { $0 }, shape: [matrix.count, matrix.count])
  }
}
