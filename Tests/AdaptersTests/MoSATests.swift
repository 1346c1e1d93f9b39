import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("MoSA")
struct MoSATests {
  private func schedule(_ fields: [(String, PlainValue)]) throws -> MoSA {
    try made(MoSA.options, fields, MoSA.init)
  }

  private func layers(
    _ fields: [(String, PlainValue)], rank: Int = 8, seed: UInt64 = 3
  ) throws -> SmallLayers {
    let schedule = try schedule(fields)
    return try SmallLayers(LoRA.self, [("r", .integer(rank))], count: 2, seed: seed) {
      $0.schedule = schedule
    }
  }

  /// Hidden units whose row of A is not zero.
  private func live(_ down: Parameter) -> [Int] {
    down.value.rowLengths.enumerated().filter { $0.element > 0 }.map(\.offset)
  }

  @Test("shows one group of a step's hidden units in both maps, and gives the others back")
  func step() throws {
    let small = try layers([("splits", 4)])
    small.perturb()
    let parameters = small.adapter.parameters
    let before = parameters.map(\.value.doubles)
    let hook = try #require(try small.adapter.hooks().first)
    hook.begin(step: 0, of: 3)
    let down = try #require(small.value("0.fc.lora_A.weight"))
    let up = try #require(small.value("0.fc.lora_B.weight"))
    let shown = live(down)
    #expect(shown.count == 2)
    #expect(
      up.value.permuted([1, 0]).rowLengths.enumerated().filter { $0.element > 0 }.map(\.offset)
        == shown)
    let x = FiniteDifferences.values([4, 8], seed: 2).cast(to: .f32)
    var gradients = small.layers[0](x, .evaluation).sum().gradients()
    hook.change(&gradients, step: 0, of: 3)
    let gradient = try #require(gradients[down.leaf])
    #expect(
      gradient.rowLengths.enumerated().filter { $0.element > 0 }.allSatisfy {
        shown.contains($0.offset)
      })
    // An optimizer with momentum moves what has no gradient too.
    for parameter in parameters {
      parameter.value = parameter.value + Tensor(filledWith: 1, shape: parameter.shape)
    }
    hook.end(step: 0, of: 3)
    let moved = down.value.doubles
    for unit in 0..<8 {
      for column in 0..<8 {
        let expected = before[0][unit * 8 + column] + (shown.contains(unit) ? 1 : 0)
        #expect(abs(moved[unit * 8 + column] - expected) < 1e-6)
      }
    }
  }

  @Test("parts all units, draws every group, and draws the same again")
  func groups() throws {
    let small = try layers([("splits", 3)])
    small.perturb()
    let hook = try #require(try small.adapter.hooks().first)
    let again = try #require(try small.adapter.hooks().first)
    let down = try #require(small.value("1.fc.lora_A.weight"))
    var seen: [[Int]] = []
    for step in 0..<40 {
      hook.begin(step: step, of: 40)
      let shown = live(down)
      hook.end(step: step, of: 40)
      again.begin(step: step, of: 40)
      #expect(live(down) == shown)
      again.end(step: step, of: 40)
      if !seen.contains(shown) { seen.append(shown) }
    }
    #expect(seen.count == 3)
    #expect(seen.flatMap { $0 }.sorted() == Array(0..<8), "disjoint, and all")
    #expect(live(down).count == 8)
  }

  @Test("keeps the dense share in every step")
  func dense() throws {
    let small = try layers([("splits", 2), ("dense", 0.5)])
    small.perturb()
    let hook = try #require(try small.adapter.hooks().first)
    let down = try #require(small.value("0.fc.lora_A.weight"))
    var always = Set(0..<8)
    for step in 0..<20 {
      hook.begin(step: step, of: 20)
      #expect(live(down).count == 6)
      always.formIntersection(live(down))
      hook.end(step: step, of: 20)
    }
    #expect(always.count == 4)
  }

  @Test("knows the hidden units of bottlenecks")
  func bottleneck() throws {
    let builder = ModelBuilder()
    let block = (builder.root / "block").block(width: 8)
    var settings = AdapterSettings(name: "test", method: AdaptFormer.name)
    settings.schedule = try schedule([])
    let adapter = try AttachedAdapter(
      settings, method: try AdaptFormer.made([("h", 4), ("biases", true)]), targets: [],
      blocks: [BlockTarget(site: block)], seed: 5)
    for (index, parameter) in adapter.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: index).cast(to: .f32)
    }
    let hook = try #require(try adapter.hooks().first)
    hook.begin(step: 0, of: 1)
    for parameter in adapter.parameters {
      let nonzero = parameter.value.doubles.count { $0 != 0 }
      let share =
        parameter.path.hasSuffix("up.bias") ? parameter.elementCount : parameter.elementCount / 4
      #expect(nonzero == share, "\(parameter.path)")
    }
  }

  @Test("refuses methods without hidden units and too few of them")
  func refusals() throws {
    let schedule = try schedule([("splits", 4)])
    let salt = try SmallLayers(IA3.self) { $0.schedule = schedule }
    #expect(throws: AdapterError.self) { try salt.adapter.hooks() }
    let narrow = try layers([("splits", 4)], rank: 2)
    #expect {
      try narrow.adapter.hooks()
    } throws: { error in
      "\(error)".contains("2 hidden units cannot be parted into 4 groups")
    }
  }
}
