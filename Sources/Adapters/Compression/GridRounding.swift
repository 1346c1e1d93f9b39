import Tensors

/// Values on grids of b bits, δ (clip(⌊x/δ⌉ + ⌊z⌉, 0, 2ᵇ − 1) − ⌊z⌉), with gradients past both roundings
/// (arXiv 1308.3432): within the grid ∂/∂x = 1 and ∂/∂δ = q − z − x/δ, beyond it 0 and q − z; ∂/∂z is −δ beyond
/// it and 0 within.
struct GridRounding {
  /// The values on their grids.
  private let values: Tensor
  /// ∂/∂x, ∂/∂δ and ∂/∂z, element by element, off the tape.
  private let inside: Tensor
  private let ofStep: Tensor
  private let ofZero: Tensor
  private let x: Tensor

  /// Rounds rows `[rows, n]`, or all values where there is one step alone.
  init(_ x: Tensor, steps: Tensor, zeros: Tensor, bits: Int) {
    let results: [Tensor]
    switch x.dtype {
    case .f64: results = Self.rounded(of: Double.self, x, steps, zeros, bits)
    default: results = Self.rounded(of: Float.self, x, steps, zeros, bits)
    }
    self.x = x
    (values, inside, ofStep, ofZero) = (results[0], results[1], results[2], results[3])
  }

  /// On the tape of the values and of one step a row, `[rows]`.
  func byRows(_ step: Tensor) -> Tensor {
    step.isTracked ? passed + ofStep.rowsScaled(by: step - step.detached()) : passed
  }

  /// On the tape of the values and of one grid, `[1]` each.
  func byOne(step: Tensor, zero: Tensor) -> Tensor {
    func adding(_ slope: Tensor, _ value: Tensor, to sum: Tensor) -> Tensor {
      guard value.isTracked else { return sum }
      let change = (value - value.detached()).reshaped(to: [1, 1])
      let column = linear(slope.reshaped(to: [slope.elementCount, 1]), weight: change)
      return sum + column.reshaped(to: slope.shape)
    }
    return adding(ofZero, zero, to: adding(ofStep, step, to: passed))
  }

  /// The rounded values to the bit, with the gradient of x within the grid.
  private var passed: Tensor {
    x.isTracked ? values + inside * (x - x.detached()) : values
  }

  private static func rounded<Value: TensorElement & BinaryFloatingPoint>(
    of _: Value.Type, _ x: Tensor, _ steps: Tensor, _ zeros: Tensor, _ bits: Int
  ) -> [Tensor] {
    let results = (0..<4).map { _ in Tensor(uninitialized: x.shape, dtype: x.dtype) }
    let steps = steps.detached().cast(to: x.dtype).elements(as: Value.self)
    let zeros = zeros.detached().cast(to: x.dtype).elements(as: Value.self)
    let largest = Value((1 << bits) - 1)
    let count = x.elementCount / max(1, steps.count)
    x.detached().withElements(of: Value.self) { x in
      results[0].withMutableElements(of: Value.self) { values in
        results[1].withMutableElements(of: Value.self) { inside in
          results[2].withMutableElements(of: Value.self) { ofStep in
            results[3].withMutableElements(of: Value.self) { ofZero in
              for row in 0..<steps.count {
                let (step, zero) = (steps[row], zeros[row].rounded(.toNearestOrEven))
                for index in (row * count)..<((row + 1) * count) {
                  let ratio = x[index] / step
                  let moved = ratio.rounded(.toNearestOrEven) + zero
                  let code = min(largest, max(0, moved))
                  let isInside: Value = moved == code ? 1 : 0
                  values[index] = (code - zero) * step
                  inside[index] = isInside
                  ofStep[index] = code - zero - isInside * ratio
                  ofZero[index] = (isInside - 1) * step
                }
              }
            }
          }
        }
      }
    }
    return results
  }
}
