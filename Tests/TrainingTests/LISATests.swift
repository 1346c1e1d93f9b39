import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("LISA")
struct LISATests {
  /// Four blocks of one matrix, and a head.
  private func parameters() -> [Parameter] {
    let paths = (0..<4).map { "blocks.\($0).weight" } + ["head.weight"]
    return paths.map { path in
      let parameter = Parameter(path: path, shape: [3, 2], initialization: .zeros)
      parameter.isTrainable = true
      return parameter
    }
  }

  private let options: [String: PlainValue] = ["n_blocks": 2, "interval": 3]

  /// Paths that are trained in each of some steps.
  private func trained(_ rule: inout LISA, _ parameters: [Parameter], _ steps: Range<Int>)
    -> [[String]]
  {
    steps.map { step in
      rule.begin(step: step, seed: 7, parameters: parameters)
      let active = parameters.filter(\.isTrainable)
      for parameter in active {
        rule.update(
          parameter, gradient: OptimizerRules.values([3, 2], step), learningRate: 0.01,
          weightDecay: 0)
      }
      return active.map(\.path)
    }
  }

  @Test("two of four blocks at a time, others after the interval, and the head always")
  func draws() throws {
    var rule = try OptimizerRules.made(LISA.self, options)
    let steps = trained(&rule, parameters(), 0..<60)
    for (number, paths) in steps.enumerated() {
      #expect(paths.count == 3 && paths.last == "head.weight")
      #expect(paths == steps[number / 3 * 3])
    }
    #expect(Set(steps).count == 6)
  }

  @Test("blocks that are not drawn keep their values and lose their averages")
  func forgets() throws {
    var rule = try OptimizerRules.made(LISA.self, options)
    let all = parameters()
    for step in 0..<30 {
      let before = all.map { $0.value.copied() }
      let active = Set(trained(&rule, all, step..<step + 1)[0])
      for (parameter, old) in zip(all, before) {
        let isSame = parameter.value.bits == old.bits
        #expect(isSame != active.contains(parameter.path))
      }
      let kept = Set(
        rule.state.tensors.map { $0.name.drop { $0 != "." }.dropFirst() }.map(String.init))
      #expect(kept == active)
    }
    // Every value had a gradient by now.
    #expect(rule.reachedCount == 5 * 6)
  }

  @Test("goes on alike from a saved state")
  func resume() throws {
    func run(split: Int?) throws -> [[UInt32]] {
      var rule = try OptimizerRules.made(LISA.self, options)
      let all = parameters()
      for step in 0..<12 {
        if step == split {
          var other = try OptimizerRules.made(LISA.self, options)
          other.state = rule.state
          rule = other
        }
        _ = trained(&rule, all, step..<step + 1)
      }
      return all.map(\.value.bits) + [[UInt32(rule.reachedCount)]]
    }
    let whole = try run(split: nil)
    for split in [2, 3, 10] { #expect(try run(split: split) == whole) }
  }

  @Test("a block is found by its number")
  func names() {
    #expect(LISA.block(of: "blocks.11.attn.qkv.weight") == "blocks.11")
    #expect(LISA.block(of: "encoder.layers.0.1.weight") == "encoder.layers.0")
    #expect(LISA.block(of: "patch_embed.proj.weight") == nil)
    #expect(LISA.block(of: "0.weight") == nil)
  }

  @Test("all is trainable again after a run")
  func ends() throws {
    let regression = Regression()
    _ = try regression.trained(steps: 4, optimizer: try OptimizerRules.made(LISA.self, options))
    #expect(regression.parameters.allSatisfy { $0.isTrainable })
  }
}
