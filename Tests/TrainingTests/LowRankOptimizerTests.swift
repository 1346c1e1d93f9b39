import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

/// What the optimizers with projected gradients share.
enum OptimizerRules {
  static func made<Rule: Optimizer>(_ type: Rule.Type, _ options: [String: PlainValue]) throws
    -> Rule
  {
    let diagnostics = Diagnostics()
    let all = options.merging(["lr": 0.01]) { given, _ in given }
    let located = Located(
      plain: .map(all.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }),
      at: SourceLocation(source: "test"), path: "train.optimizer")
    let rule = Rule(OptionReader(located, type.options, diagnostics), diagnostics)
    try diagnostics.throwErrors()
    return rule
  }

  static func values(_ shape: [Int], _ seed: Int) -> Tensor {
    FiniteDifferences.values(shape, seed: seed).cast(to: .f32)
  }

  static func parameter(_ shape: [Int], _ seed: Int = 1) -> Parameter {
    let parameter = Parameter(path: "w", shape: shape, initialization: .zeros)
    parameter.value = values(shape, seed)
    return parameter
  }

  /// The change of a value by each of some gradients.
  static func changes(
    _ rule: some Optimizer, _ parameter: Parameter, _ gradients: [Tensor], decay: Double = 0
  ) -> [Tensor] {
    var rule = rule
    return gradients.map { gradient in
      let before = parameter.value.copied()
      rule.update(
        parameter, gradient: gradient, learningRate: rule.learningRate, weightDecay: decay)
      return parameter.value - before
    }
  }

  /// −η √(1−β2ᵗ)/(1−β1ᵗ) m / (√v + ε) for each of some gradients, in double precision.
  static func adam(_ gradients: [Tensor], rate: Double, epsilon: Double = 1e-6) -> [[Double]] {
    var first = [Double](repeating: 0, count: gradients[0].elementCount)
    var second = first
    return gradients.enumerated().map { number, gradient in
      let values: [Double] = gradient.cast(to: .f64).elements()
      let t = Double(number + 1)
      let factor = (1 - pow(0.999, t)).squareRoot() / (1 - pow(0.9, t))
      return values.indices.map { place in
        first[place] = 0.9 * first[place] + 0.1 * values[place]
        second[place] = 0.999 * second[place] + 0.001 * values[place] * values[place]
        return -rate * factor * first[place] / (second[place].squareRoot() + epsilon)
      }
    }
  }

  static func difference(_ found: Tensor, _ expected: [Double]) -> Double {
    let values: [Double] = found.cast(to: .f64).elements()
    return zip(values, expected).map { abs($0 - $1) }.max() ?? .infinity
  }
}

@Suite("Optimizers with projected gradients")
struct LowRankOptimizerTests {
  private static let rules: [any Optimizer.Type] = [GaLore.self, Fira.self, GradNormLoRP.self]

  @Test("a value that is not projected moves as by Adam", arguments: 0..<3)
  func plain(number: Int) throws {
    let rule = try OptimizerRules.made(Self.rules[number], ["rank": 4])
    for shape in [[7], [4, 9]] {
      let gradients = (0..<3).map { OptimizerRules.values(shape, 10 + $0) }
      let changes = OptimizerRules.changes(rule, OptimizerRules.parameter(shape), gradients)
      for (change, expected) in zip(changes, OptimizerRules.adam(gradients, rate: 0.01)) {
        #expect(OptimizerRules.difference(change, expected) < 1e-6)
      }
    }
  }

  @Test("the decay comes after the update, and shrinks all of a value", arguments: 0..<2)
  func decay(number: Int) throws {
    let rule = try OptimizerRules.made(Self.rules[number], ["rank": 2])
    let gradient = [OptimizerRules.values([6, 5], 9)]
    let (plain, decayed) = (OptimizerRules.parameter([6, 5]), OptimizerRules.parameter([6, 5]))
    _ = OptimizerRules.changes(rule, plain, gradient)
    _ = OptimizerRules.changes(rule, decayed, gradient, decay: 0.5)
    #expect(decayed.value.largestDifference(from: plain.value.scaled(by: 1 - 0.005)) < 1e-6)
  }

  @Test(
    "a run goes on bit for bit", arguments: 0..<3,
    [["rank": 2], ["rank": 2, "state_bits": 8, "update_proj_gap": 3]] as [[String: PlainValue]])
  func resume(number: Int, options: [String: PlainValue]) throws {
    func gradients(_ range: Range<Int>) -> [Tensor] {
      range.map { OptimizerRules.values([6, 5], 20 + $0) }
    }
    func run(split: Int?) throws -> [UInt32] {
      var rule = try OptimizerRules.made(Self.rules[number], options)
      let (matrix, bias) = (
        OptimizerRules.parameter([6, 5]), Parameter(path: "b", shape: [4], initialization: .zeros)
      )
      for step in 0..<8 {
        if step == split {
          var other = try OptimizerRules.made(Self.rules[number], options)
          other.state = rule.state
          rule = other
        }
        rule.update(
          matrix, gradient: gradients(step..<step + 1)[0], learningRate: 0.01, weightDecay: 0.1)
        rule.update(
          bias, gradient: OptimizerRules.values([4], 50 + step), learningRate: 0.01, weightDecay: 0)
      }
      return matrix.value.bits + bias.value.bits
    }
    let whole = try run(split: nil)
    for split in [1, 4, 7] { #expect(try run(split: split) == whole, "\(split)") }
  }

  @Test("8 bits follow 32 bits", arguments: 0..<3)
  func eightBits(number: Int) throws {
    func value(_ bits: Int) throws -> Tensor {
      let rule = try OptimizerRules.made(
        Self.rules[number], ["rank": 2, "state_bits": .integer(bits)])
      let parameter = OptimizerRules.parameter([12, 10])
      let common = OptimizerRules.values([12, 10], 99)
      _ = OptimizerRules.changes(
        rule, parameter,
        (0..<10).map { common + OptimizerRules.values([12, 10], 30 + $0).scaled(by: 0.1) })
      return parameter.value - OptimizerRules.parameter([12, 10]).value
    }
    let (full, eight) = (try value(32), try value(8))
    let error = ((eight - full).sumOfSquares() / full.sumOfSquares()).squareRoot()
    #expect(error > 0 && error < 0.05, "\(error)")
  }

  @Test("the regression is learnt", arguments: 0..<3)
  func learns(number: Int) throws {
    let rule = try OptimizerRules.made(
      Self.rules[number], ["rank": 2, "update_proj_gap": 20, "scale": 1, "lr": 0.02])
    let regression = Regression()
    var losses: [Double] = []
    var trainer = try regression.trainer(steps: 200, optimizer: rule)
    var observers = Trainer.Observers()
    observers.stepped = { losses.append($0.loss) }
    _ = try trainer.run(
      batches: { _ in Regression.batch(0) }, evaluate: { _ in [:] }, observers: observers)
    #expect(losses[199] < 0.3 * losses[0], "\(losses[0]) \(losses[199])")
    #expect(trainer.reachedCount > 0)
  }

  @Test("settings that make no sense are told", arguments: 0..<3)
  func refusals(number: Int) {
    for options in [["state_bits": 16], ["betas": [1.0, 0.9]]] as [[String: PlainValue]] {
      #expect(throws: (any Error).self) { try OptimizerRules.made(Self.rules[number], options) }
    }
  }
}
