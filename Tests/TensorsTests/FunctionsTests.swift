import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Elementary functions and scatter")
struct FunctionsTests {
  private typealias Function = @Sendable (Tensor) -> Tensor

  @Test("have the values and slopes of the functions")
  func functions() {
    let x = FiniteDifferences.values([9], seed: 3)
    let cases: [(Function, @Sendable (Double) -> Double)] = [
      ({ $0.exponential() }, { exp($0) }), ({ $0.cosine() }, { cos($0) }),
      ({ $0.sine() }, { sin($0) }), ({ $0.hyperbolicTangent() }, { tanh($0) }),
      ({ ($0 * $0).squareRoot() }, { abs($0) }),
    ]
    for (function, known) in cases {
      let leaf = Node()
      let y = function(x.tracked(by: leaf))
      let slopes = y.sum().gradients()[leaf]?.elements(as: Double.self) ?? []
      for (index, value) in x.elements(as: Double.self).enumerated() {
        #expect(abs(y.elements(as: Double.self)[index] - known(value)) < 1e-12)
        let difference = (known(value + 1e-6) - known(value - 1e-6)) / 2e-6
        #expect(abs(slopes[index] - difference) < 1e-7)
      }
    }
  }

  @Test("scatter adds up what falls on one place, and gathers the gradient")
  func scatter() throws {
    let leaf = Node()
    let x = Tensor([1.0, 2, 4], shape: [3]).tracked(by: leaf)
    let y = x.scattered(to: [4, 1, 4], count: 5)
    #expect(y.elements(as: Double.self) == [0, 2, 0, 0, 5])
    let seed = Tensor([1.0, 10, 100, 1000, 10000], shape: [5])
    let gradient = try #require(y.gradients(for: seed)[leaf])
    #expect(gradient.elements(as: Double.self) == [10000, 10, 10000])
  }
}
