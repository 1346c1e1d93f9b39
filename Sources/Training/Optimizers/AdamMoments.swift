import Tensors

/// Averages of a gradient and of its square, in 32 or 8 bits, and the direction that they give.
///
/// As the optimizers of the low-rank programs have it (the Adam of transformers): first and second average
/// without correction, ε added to the uncorrected root, and both corrections in the rate.
struct AdamMoments {
  /// What the averages lie in.
  private enum Storage {
    case full(first: Tensor, second: Tensor)
    case eightBit(first: (codes: Tensor, scales: Tensor), second: (codes: Tensor, scales: Tensor))
  }

  private var storage: Storage
  private let shape: [Int]
  /// Gradients seen.
  var steps: Int

  /// No gradient seen yet, for gradients of a shape; in 8 bits if `isEightBit`.
  init(shape: [Int], isEightBit: Bool) {
    self.shape = shape
    steps = 0
    storage = .full(first: Tensor(zeros: shape), second: Tensor(zeros: shape))
    if isEightBit { storage = Self.encoded(Tensor(zeros: shape), Tensor(zeros: shape)) }
  }

  /// Takes a gradient in.
  ///
  /// - Returns: m / (√v + ε), of the gradient's shape; to be multiplied by the rate and `correction`.
  mutating func direction(
    _ gradient: Tensor, betas: (Double, Double), epsilon: Double
  ) -> Tensor {
    steps += 1
    let (first, second) = decoded()
    let result = Tensor(uninitialized: gradient.shape)
    let (b1, b2, e) = (Float(betas.0), Float(betas.1), Float(epsilon))
    gradient.withElements(of: Float.self) { g in
      first.withMutableElements(of: Float.self) { m in
        second.withMutableElements(of: Float.self) { v in
          result.withMutableElements(of: Float.self) { result in
            for place in g.indices {
              m[place] = b1 * m[place] + (1 - b1) * g[place]
              v[place] = b2 * v[place] + (1 - b2) * g[place] * g[place]
              result[place] = m[place] / (v[place].squareRoot() + e)
            }
          }
        }
      }
    }
    if case .eightBit = storage { storage = Self.encoded(first, second) }
    return result
  }

  /// √(1 − β2ᵗ) / (1 − β1ᵗ) after t gradients.
  func correction(betas: (Double, Double)) -> Double {
    func power(_ base: Double) -> Double { (0..<steps).reduce(1.0) { value, _ in value * base } }
    return (1 - power(betas.1)).squareRoot() / (1 - power(betas.0))
  }

  /// How many of the second averages are not zero.
  var reachedCount: Int {
    decoded().second.withElements(of: Float.self) { $0.count { $0 != 0 } }
  }

  private func decoded() -> (first: Tensor, second: Tensor) {
    switch storage {
    case .full(let first, let second): return (first, second)
    case .eightBit(let first, let second):
      let values = (Tensor(uninitialized: shape), Tensor(uninitialized: shape))
      values.0.withMutableElements(of: Float.self) {
        EightBit.signed.decode(first.codes, first.scales, into: $0)
      }
      values.1.withMutableElements(of: Float.self) {
        EightBit.unsigned.decode(second.codes, second.scales, into: $0)
      }
      return values
    }
  }

  private static func encoded(_ first: Tensor, _ second: Tensor) -> Storage {
    .eightBit(first: EightBit.signed.encoded(first), second: EightBit.unsigned.encoded(second))
  }

  // MARK: Saving

  /// Tensors by name, below `prefix`.
  func tensors(_ prefix: String) -> [(name: String, value: Tensor)] {
    switch storage {
    case .full(let first, let second): [(prefix + "first", first), (prefix + "second", second)]
    case .eightBit(let first, let second):
      [
        (prefix + "first", first.codes), (prefix + "first_scales", first.scales),
        (prefix + "second", second.codes), (prefix + "second_scales", second.scales),
      ]
    }
  }

  /// Those that were saved; nil where something is missing.
  init?(_ tensors: [String: Tensor], _ prefix: String, steps: Int, isEightBit: Bool) {
    guard let first = tensors[prefix + "first"]?.copied(),
      let second = tensors[prefix + "second"]?.copied()
    else { return nil }
    (shape, self.steps) = (first.shape, steps)
    guard isEightBit else {
      storage = .full(first: first, second: second)
      return
    }
    guard let scales = tensors[prefix + "first_scales"]?.copied(),
      let others = tensors[prefix + "second_scales"]?.copied()
    else { return nil }
    storage = .eightBit(first: (first, scales), second: (second, others))
  }
}
