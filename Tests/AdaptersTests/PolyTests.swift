import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Polytropon and multi-head routing")
struct PolyTests {
  private let x = FiniteDifferences.values([5, 8], seed: 5).cast(to: .f32)

  private func layers(_ options: [(String, PlainValue)]) throws -> SmallLayers {
    let layers = try SmallLayers(Poly.self, [("r", 2)] + options)
    layers.perturb()
    return layers
  }

  /// ΔW by loops, of open logits `[h][K]`, `[12][8]` in one row.
  private func update(_ layers: SmallLayers, open: [[Double]]) throws -> [Double] {
    let a = try #require(layers.value("poly_lora_A"))
    let b = try #require(layers.value("poly_lora_B"))
    let (h, k) = (a.shape[0], a.shape[1])
    let (inputs, outputs) = (8 / h, 12 / h)
    let (downs, ups) = (a.value.doubles, b.value.doubles)
    let shares = open.map { row in row.map { $0 / row.reduce(0, +) } }
    func down(_ input: Int, _ unit: Int) -> Double {
      let (q, place) = (input / inputs, input % inputs)
      return (0..<k).reduce(0) {
        $0 + shares[q][$1] * downs[((q * k + $1) * inputs + place) * 2 + unit]
      }
    }
    func up(_ unit: Int, _ output: Int) -> Double {
      let (q, place) = (output / outputs, output % outputs)
      return (0..<k).reduce(0) {
        $0 + shares[q][$1] * ups[((q * k + $1) * 2 + unit) * outputs + place]
      }
    }
    return (0..<96).map { place in
      (0..<2).reduce(0) { $0 + down(place % 8, $1) * up($1, place / 8) } / 2
    }
  }

  @Test(
    "mixes skills by the task's sigmoids, block by block",
    arguments: [(1, 3), (2, 3), (4, 1)])
  func mixture(splits: Int, skills: Int) throws {
    let layers = try layers([
      ("n_splits", .integer(splits)), ("n_skills", .integer(skills)), ("n_tasks", 2), ("task", 1),
    ])
    let logits = try #require(layers.value("module_logits")).value.doubles
    let open = (0..<splits).map { q in
      (0..<skills).map { logits[(splits + q) * skills + $0].logistic }
    }
    let wanted = try update(layers, open: open)
    let found = try layers.change().doubles
    #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("training draws relaxed Bernoulli variables, once for a layer and step")
  func training() throws {
    let layers = try layers([("n_skills", 3)])
    let logits = try #require(layers.value("module_logits"))
    let site = layers.layers[0].site
    let plain = linear(x, weight: site.weight.value, bias: try #require(site.bias).value)
    func context(_ step: Int) -> ForwardContext {
      .training(seed: 1, step: step, samples: 0..<5)
    }
    let drawn = context(0).drawing([
      logits.path: Tensor([0.5, 0.2, 0.9] as [Float], shape: [1, 3])
    ])
    let found = layers.layers[0](x, drawn) - plain
    let values = logits.value.doubles
    // log(u / (1 − u)) of the numbers above.
    let shifts = [0, -1.3862943611198906, 2.1972245773362196]
    let wanted = try update(layers, open: [zip(values, shifts).map { ($0 + $1).logistic }])
    let product = linear(x, weight: Tensor(wanted, shape: [12, 8]).cast(to: .f32))
    #expect(found.largestDifference(from: product) < 1e-5)

    let whole = layers.layers[0](x, context(0))
    let part = layers.layers[0](
      x.sliced(axis: 0, 2..<5), .training(seed: 1, step: 0, samples: 2..<5))
    #expect(whole.sliced(axis: 0, 2..<5).largestDifference(from: part) < 1e-6)
    #expect(layers.layers[0](x, context(1)).largestDifference(from: whole) > 1e-4)
  }

  @Test("one skill is plain LoRA, scaled by 1 / r")
  func single() throws {
    let layers = try layers([("n_skills", 1)])
    let a = try #require(layers.value("poly_lora_A")).value.reshaped(to: [8, 2])
    let b = try #require(layers.value("poly_lora_B")).value.reshaped(to: [2, 12])
    let wanted = matrixProduct(a, b).scaled(by: 0.5).permuted([1, 0])
    #expect(try layers.change().largestDifference(from: wanted) < 1e-6)
  }

  @Test("trains the routing alone on given skills, faster than these, without decay")
  func routing() throws {
    let layers = try layers([("trains", "routing"), ("n_tasks", 2)])
    #expect(
      layers.adapter.parameters.map(\.path) == ["blocks.0.fc.poly_router.module_logits"])
    #expect(layers.adapter.buffers.count == 2)
    let method = try #require(layers.adapter.method)
    let policy = method.policy(of: layers.adapter.parameters[0])
    #expect(policy == UpdatePolicy(rateFactor: 10, decays: false))
    #expect(Poly.trainingOptions.contains("trains"))
  }

  @Test("refuses blocks that do not divide a weight, and a task that is not there")
  func refusals() {
    #expect(throws: AdapterError.self) {
      _ = try SmallLayers(Poly.self, [("n_splits", 3)])
    }
    #expect(throws: (any Error).self) {
      _ = try SmallLayers(Poly.self, [("task", 1)])
    }
  }
}
