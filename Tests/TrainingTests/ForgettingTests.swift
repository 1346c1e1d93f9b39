import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("Optimizers that forget")
struct ForgettingTests {
  @Test("a forgotten parameter begins anew", arguments: optimizers.entries.map { $0.name })
  func forgotten(name: String) throws {
    let type = try #require(optimizers.entries.first { $0.name == name })
    let used = try rule(type)
    let fresh = try rule(type)
    let (own, other) = (OptimizerRules.parameter([6, 5]), OptimizerRules.parameter([6, 5]))
    let first = try changed(used, own, forgets: true)
    let second = try changed(fresh, other, forgets: false)
    #expect((first.reached ?? 0) > 0 && second.reached == nil)
    #expect(first.change.bits == second.change.bits)
  }

  private func rule(_ type: any Optimizer.Type) throws -> any Optimizer {
    let rank: [String: PlainValue] = type.options.names.contains("rank") ? ["rank": 2] : [:]
    return try OptimizerRules.made(type, rank)
  }

  /// What the last gradient does, after two others that are forgotten where `forgets`.
  private func changed(
    _ rule: any Optimizer, _ parameter: Parameter, forgets: Bool
  ) throws -> (change: Tensor, reached: Int?) {
    var rule = rule
    let start = parameter.value.copied()
    func update(_ seed: Int) {
      rule.update(
        parameter, gradient: OptimizerRules.values([6, 5], seed), learningRate: 0.01,
        weightDecay: 0)
    }
    if forgets { for seed in [4, 5] { update(seed) } }
    let reached = rule.forget(parameter.path)
    parameter.value = start
    update(6)
    return (parameter.value - start, reached)
  }
}
