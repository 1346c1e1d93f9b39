import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("OwLore")
struct OwLoreTests {
  /// Blocks of one matrix, and a head.
  private func parameters(_ blocks: Int = 4) -> [Parameter] {
    let paths = (0..<blocks).map { "blocks.\($0).fc.weight" } + ["head.weight"]
    return paths.map { path in
      let parameter = Parameter(path: path, shape: [3, 2], initialization: .zeros)
      parameter.isTrainable = true
      return parameter
    }
  }

  private func rule(
    _ distribution: String, _ more: [String: PlainValue] = [:]
  ) throws -> OwLore {
    let own: [String: PlainValue] = [
      "n_blocks": 1, "interval": 1, "distribution": .text(distribution),
    ]
    return try OptimizerRules.made(OwLore.self, own.merging(more) { $1 })
  }

  @Test("an entry is an outlier by its size times the length of its input")
  func ratio() {
    let weight = Tensor([1, -8, 2, 0.5, 1, 1] as [Float], shape: [3, 2])
    // Scores 3, 8, 6, 0.5, 3, 1, mean 21.5 / 6.
    let found = OwLore.outlierRatio(weight, lengths: [3, 1], factor: 2)
    #expect(abs(found - 1.0 / 6) < 1e-12)
    let lower = OwLore.outlierRatio(weight, lengths: [3, 1], factor: 1.5)
    #expect(abs(lower - 2.0 / 6) < 1e-12)
  }

  @Test("blocks are drawn in proportion to their outliers, or to what is left of the most")
  func outliers() throws {
    let all = parameters(3)
    let values: [[Float]] = [[9, 0, 0, 0, 0, 0], [9, 9, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]]
    for (parameter, value) in zip(all, values) { parameter.value = Tensor(value, shape: [3, 2]) }
    let lengths = Dictionary(uniqueKeysWithValues: (0..<3).map { ("blocks.\($0).fc", [1.0, 1]) })
    let blocks = OwLore.blocks(all)
    #expect(blocks == ["blocks.0", "blocks.1", "blocks.2"])
    // Entries above twice the mean: 1, 2 and 0 of 6.
    let wanted: [String: [Double]] = [
      "owl": [1.0 / 3, 2.0 / 3, 0], "owl-reverse": [1.0 / 3, 0, 2.0 / 3],
    ]
    for (name, shares) in wanted {
      var rule = try rule(name, ["outlier_factor": 2])
      #expect(rule.needsInputs)
      rule.learn(inputLengths: lengths, parameters: all)
      #expect(!rule.needsInputs)
      let found = rule.probabilities(blocks)
      for (a, b) in zip(found, shares) { #expect(abs(a - b) < 1e-12) }
      var counts = [0, 0, 0]
      for step in 0..<600 {
        rule.begin(step: step, seed: 7, parameters: all)
        for block in 0..<3 where all[block].isTrainable { counts[block] += 1 }
      }
      #expect(counts.reduce(0, +) == 600)
      for (count, share) in zip(counts, shares) { #expect(abs(Double(count) / 600 - share) < 0.06) }
      var again = try self.rule(name)
      again.state = rule.state
      #expect(!again.needsInputs)
      let kept = again.probabilities(blocks)
      for (a, b) in zip(found, kept) { #expect(abs(a - b) < 1e-6) }
    }
  }

  @Test("place, size and no preference")
  func others() throws {
    let all = parameters(3)
    for (number, parameter) in all.enumerated() {
      parameter.value = Tensor(filledWith: Double(number + 1), shape: [3, 2])
    }
    let wanted: [String: [Double]] = [
      "increase": [1, 2, 3], "decrease": [3, 2, 1], "uniform": [2, 2, 2], "norm": [1, 2, 3],
    ]
    for (name, shares) in wanted {
      var rule = try rule(name)
      #expect(!rule.needsInputs)
      rule.begin(step: 0, seed: 1, parameters: all)
      let found = rule.probabilities(OwLore.blocks(all))
      for (a, b) in zip(found, shares) { #expect(abs(a - b / 6) < 1e-6) }
    }
  }

  @Test("as many blocks as are asked for, for as long, the head always")
  func draws() throws {
    let all = parameters()
    var rule = try rule("increase", ["n_blocks": 2, "interval": 3])
    var seen = Set<[String]>()
    for step in 0..<30 {
      rule.begin(step: step, seed: 7, parameters: all)
      let active = all.filter(\.isTrainable)
      #expect(active.count == 3 && active.last?.path == "head.weight")
      for parameter in active {
        rule.update(
          parameter, gradient: OptimizerRules.values([3, 2], step), learningRate: 0.01,
          weightDecay: 0)
      }
      let kept = Set(rule.state.counts.keys)
      #expect(kept.isSubset(of: Set(active.map(\.path))), "others lose their averages")
      seen.insert(active.map(\.path))
    }
    #expect(seen.count > 2)
  }

  @Test("a drawn block takes GaLore's step")
  func step() throws {
    let (own, other) = (OptimizerRules.parameter([6, 5]), OptimizerRules.parameter([6, 5]))
    var rule = try rule("uniform", ["rank": 2])
    var galore = try OptimizerRules.made(GaLore.self, ["rank": 2])
    for step in 0..<3 {
      let gradient = OptimizerRules.values([6, 5], 20 + step)
      rule.update(own, gradient: gradient, learningRate: 0.01, weightDecay: 0.1)
      galore.update(other, gradient: gradient, learningRate: 0.01, weightDecay: 0.1)
    }
    #expect(own.value.bits == other.value.bits)
  }

  @Test("learns from the inputs of the first batch")
  func trained() throws {
    let regression = Regression()
    let x = try #require(Regression.batch(0).fields["x"]).cast(to: .f64).elements(as: Double.self)
    let lengths = (0..<6).map { column in
      (0..<8).reduce(0) { $0 + x[6 * $1 + column] * x[6 * $1 + column] }.squareRoot()
    }
    var trainer = try regression.trainer(
      steps: 1, optimizer: InputWitness(wanted: lengths))
    _ = try trainer.run(
      batches: { Regression.batch($0) }, evaluate: { _ in [:] }, observers: Trainer.Observers())
    #expect(trainer.reachedCount == 1, "told once, and rightly")
  }
}

/// Counts how often it was told the lengths that it expects.
private struct InputWitness: Optimizer {
  static let name = "witness"
  static let summary = "looks at inputs"
  static let options: OptionTable = []
  let learningRate = 0.0
  let weightDecay = 0.0
  let wanted: [Double]
  var reachedCount = 0
  var state = OptimizerState(tensors: [], counts: [:])
  var needsInputs: Bool { reachedCount == 0 }

  init(_ options: OptionReader, _ diagnostics: Diagnostics) { wanted = [] }
  init(wanted: [Double]) { self.wanted = wanted }

  mutating func learn(inputLengths: [String: [Double]], parameters: [Parameter]) {
    let found = inputLengths["first"] ?? []
    let isRight = found.count == 6 && zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-5 }
    if isRight, inputLengths["second"]?.count == 8 { reachedCount += 1 }
  }
  mutating func forget(_ path: String) -> Int? { nil }
  mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {}
}
