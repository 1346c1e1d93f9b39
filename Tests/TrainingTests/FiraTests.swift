import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("Fira")
struct FiraTests {
  /// η √(1−β2ᵗ)/(1−β1ᵗ) at the first step.
  private let rate = 0.01 * (1 - 0.999).squareRoot() / (1 - 0.9)

  @Test(
    "adds the rest of the gradient, each line scaled as its projection is",
    arguments: [[9, 6], [6, 9]])
  func formula(shape: [Int]) throws {
    let rule = try OptimizerRules.made(Fira.self, ["rank": 3])
    let gradient = OptimizerRules.values(shape, 10)
    let change = OptimizerRules.changes(rule, OptimizerRules.parameter(shape), [gradient])[0]
    let projection = GradientProjection(gradient, rank: 3, side: .std)
    let r = projection.down(gradient)
    let values: [Double] = r.cast(to: .f64).elements()
    let n = values.map { 0.1 * $0 / ((0.001 * $0 * $0).squareRoot() + 1e-6) }
    let (rows, columns) = (r.shape[0], r.shape[1])
    let isByColumn = rows < columns
    var factors = [Double](repeating: 0, count: max(rows, columns))
    for line in factors.indices {
      let places =
        isByColumn
        ? (0..<rows).map { $0 * columns + line } : (0..<columns).map { line * columns + $0 }
      let lengths = [n, values].map { list in
        places.reduce(0.0) { $0 + list[$1] * list[$1] }.squareRoot()
      }
      factors[line] = lengths[0] / (lengths[1] + 1e-8)
    }
    let rest: [Double] = (gradient - projection.back(r)).cast(to: .f64).elements()
    let back: [Double] = projection.back(Tensor(n, shape: r.shape).cast(to: .f32))
      .cast(to: .f64).elements()
    let expected = rest.indices.map { place in
      let line = isByColumn ? place % shape[1] : place / shape[1]
      return -rate * (back[place] + rest[place] * factors[line])
    }
    #expect(OptimizerRules.difference(change, expected) < 1e-5 * expected.map(abs).max()!)
  }

  @Test("a residual grows by one percent a step at most")
  func limiter() throws {
    var rule = try OptimizerRules.made(Fira.self, ["rank": 1])
    func length() -> Double {
      rule.state.tensors.first { $0.name == "length.w" }?.value.scalar ?? .nan
    }
    let parameter = OptimizerRules.parameter([8, 6])
    var lengths: [Double] = []
    for step in 0..<3 {
      rule.update(
        parameter,
        gradient: OptimizerRules.values([8, 6], 4 + step).scaled(by: pow(30, Double(step))),
        learningRate: 0.01, weightDecay: 0)
      lengths.append(length())
    }
    #expect(lengths[0] > 0)
    #expect(abs(lengths[1] / lengths[0] - 1.01) < 1e-3)
    #expect(abs(lengths[2] / lengths[1] - 1.01) < 1e-3)
  }
}
