import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("GaLore")
struct GaLoreTests {
  @Test(
    "moves by Adam's direction of the projected gradient, projected back",
    arguments: [[9, 6], [6, 9]])
  func formula(shape: [Int]) throws {
    let rule = try OptimizerRules.made(GaLore.self, ["rank": 3, "scale": 0.5])
    let gradients = (0..<3).map { OptimizerRules.values(shape, 10 + $0) }
    // One projection for all, that of the first.
    let projection = GradientProjection(gradients[0], rank: 3, side: .std)
    let directions = OptimizerRules.adam(gradients.map { projection.down($0) }, rate: 0.01)
    let changes = OptimizerRules.changes(rule, OptimizerRules.parameter(shape), gradients)
    for (change, direction) in zip(changes, directions) {
      let low = Tensor(direction, shape: projection.down(gradients[0]).shape).cast(to: .f32)
      #expect(change.largestDifference(from: projection.back(low).scaled(by: 0.5)) < 2e-6)
    }
  }

  @Test("finds the projection anew when its time has come, and not before")
  func interval() throws {
    let gradients = (0..<4).map { OptimizerRules.values([9, 6], 10 + $0) }
    func rank(_ gap: Int) throws -> Int {
      let rule = try OptimizerRules.made(
        GaLore.self, ["rank": 2, "update_proj_gap": .integer(gap)])
      let changes = OptimizerRules.changes(rule, OptimizerRules.parameter([9, 6]), gradients)
      let rows = Tensor.concatenated(changes, axis: 0)
      let values: [Float] = rows.singularValues().values.elements()
      return values.count { $0 > 1e-5 * values[0] }
    }
    #expect(try rank(4) == 2)
    #expect(try rank(2) == 4)
    #expect(try rank(1) == 6)
  }

  @Test("a kernel is the matrix of its output channels")
  func kernel() throws {
    let rule = try OptimizerRules.made(GaLore.self, ["rank": 2])
    let gradient = OptimizerRules.values([5, 3, 2, 2], 8)
    let change = OptimizerRules.changes(rule, OptimizerRules.parameter([5, 3, 2, 2]), [gradient])[0]
    let flat = OptimizerRules.changes(
      rule, OptimizerRules.parameter([5, 12]), [gradient.reshaped(to: [5, 12])])[0]
    #expect(change.reshaped(to: [5, 12]).bits == flat.bits)
  }

  @Test("averages take a part of AdamW's memory")
  func memory() throws {
    func bytes(_ rule: some Optimizer) -> Int {
      var rule = rule
      for (number, shape) in [[384, 1536], [1536, 384], [1152, 384]].enumerated() {
        let parameter = Parameter(path: "w\(number)", shape: shape, initialization: .zeros)
        rule.update(
          parameter, gradient: OptimizerRules.values(shape, number), learningRate: 0.01,
          weightDecay: 0)
      }
      return rule.state.tensors.reduce(0) { $0 + $1.value.byteCount }
    }
    let full = bytes(AdamW(learningRate: 0.01))
    let low = bytes(try OptimizerRules.made(GaLore.self, ["rank": 96]))
    let eight = bytes(try OptimizerRules.made(GaLore.self, ["rank": 96, "state_bits": 8]))
    #expect(full == 8 * (2 * 384 * 1536 + 1152 * 384))
    // 2 r max(m, n) and a projection of r min(m, n), for 2 m n.
    #expect(abs(Double(low) / Double(full) - 0.25 * (1 + 384.0 / (2 * 1408))) < 0.01)
    #expect(eight < low / 2)
  }
}
