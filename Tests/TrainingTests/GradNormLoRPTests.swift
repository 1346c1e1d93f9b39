import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("GradNormLoRP")
struct GradNormLoRPTests {
  private func tensor(_ rule: some Optimizer, _ name: String) throws -> [Double] {
    try #require(rule.state.tensors.first { $0.name == name }).value.cast(to: .f64).elements()
  }

  @Test("the weight is g v / ‖v‖, and g learns apart from ‖v‖")
  func parts() throws {
    var rule = try OptimizerRules.made(GradNormLoRP.self, ["rank": 2, "scale": 1])
    let parameter = OptimizerRules.parameter([7, 5])
    for step in 0..<5 {
      rule.update(
        parameter, gradient: OptimizerRules.values([7, 5], 40 + step), learningRate: 0.05,
        weightDecay: 0)
    }
    let (g, v) = (try tensor(rule, "g.w"), try tensor(rule, "v.w"))
    let w: [Double] = parameter.value.cast(to: .f64).elements()
    for row in 0..<7 {
      let range = row * 5..<(row + 1) * 5
      let length = range.reduce(0.0) { $0 + v[$1] * v[$1] }.squareRoot()
      for place in range { #expect(abs(w[place] - g[row] * v[place] / length) < 1e-6) }
      #expect(abs(g[row] - length) > 1e-3)
    }
  }

  @Test("the first step goes along both derivatives")
  func derivatives() throws {
    // Of ⟨G, g v/‖v‖⟩ by g and v at v = W, g = ‖W‖: ⟨G, W⟩/‖W‖, and G without its part along W.
    let parameter = OptimizerRules.parameter([6, 5])
    let w: [Double] = parameter.value.cast(to: .f64).elements()
    let gradient = OptimizerRules.values([6, 5], 12)
    let values: [Double] = gradient.cast(to: .f64).elements()
    var rule = try OptimizerRules.made(GradNormLoRP.self, ["rank": 4, "scale": 1])
    rule.update(parameter, gradient: gradient, learningRate: 1e-3, weightDecay: 0)
    let (g, v) = (try tensor(rule, "g.w"), try tensor(rule, "v.w"))
    var tangential = [Double](repeating: 0, count: 30)
    for row in 0..<6 {
      let range = row * 5..<(row + 1) * 5
      let length = range.reduce(0.0) { $0 + w[$1] * w[$1] }.squareRoot()
      let along = range.reduce(0.0) { $0 + values[$1] * w[$1] } / length
      // Adam's first step is the rate times the sign.
      #expect(abs(g[row] - (length - 1e-3 * (along > 0 ? 1 : -1))) < 2e-5)
      for place in range { tangential[place] = values[place] - along * w[place] / length }
    }
    let matrix = Tensor(tangential, shape: [6, 5]).cast(to: .f32)
    let projection = GradientProjection(matrix, rank: 4, side: .std)
    let direction = OptimizerRules.adam([projection.down(matrix)], rate: 1e-3)[0]
    let expected = projection.back(Tensor(direction, shape: [6, 4]).cast(to: .f32))
    let moved = Tensor(zip(v, w).map { $0 - $1 }, shape: [6, 5]).cast(to: .f32)
    #expect(moved.largestDifference(from: expected) < 2e-6)
  }
}
