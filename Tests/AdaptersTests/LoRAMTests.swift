import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRAM")
struct LoRAMTests {
  /// An MLP `blocks.0.mlp` of 6, 10 and 6 units.
  private struct Block {
    let tree: ModuleTree
    let first: Linear
    let second: Linear
    let adapter: AttachedAdapter

    init(_ options: [(String, PlainValue)]) throws {
      let builder = ModelBuilder()
      let scope = builder.root / "blocks" / 0 / "mlp"
      first = Linear(scope / "fc1", inputs: 6, outputs: 10)
      second = Linear(scope / "fc2", inputs: 10, outputs: 6)
      tree = builder.tree
      tree.initialize(seed: 4)
      for parameter in tree.parameters { parameter.isTrainable = false }
      var settings = AdapterSettings(name: "test", method: "loram")
      settings.targets = [try Pattern("fc1"), try Pattern("fc2")]
      adapter = try AttachedAdapter(
        settings, method: try LoRAM.made([("r", 2)] + options), on: tree, defaults: [], seed: 3)
      for (index, parameter) in adapter.parameters.enumerated() {
        parameter.value = FiniteDifferences.values(parameter.shape, seed: 20 + index).cast(to: .f32)
      }
    }

    func output(_ x: Tensor, _ context: ForwardContext) -> Tensor {
      second(first(x, context).gelu(), context)
    }

    func value(_ name: String) throws -> Parameter {
      try #require((adapter.parameters + adapter.buffers).first { $0.path.hasSuffix(name) })
    }
  }

  private let training = ForwardContext.training(seed: 1, step: 0, samples: 0..<5)

  @Test(
    "training is that of a smaller model, and its pair is used on the whole one",
    arguments: ["norm", "random"])
  func smaller(choice: String) throws {
    let block = try Block([("prune", .text(choice)), ("ratio", 0.4)])
    let kept = try block.value("fc1.kept_indices").value.integers
    #expect(try block.value("fc2.kept_indices").value.integers == kept, "one choice for both sides")
    #expect(kept.count == 6 && kept == kept.sorted() && Set(kept).count == 6)
    func part(_ tensor: Tensor, _ axis: Int) -> Tensor {
      tensor.gathered(axis: axis, indices: Tensor(kept.map { Int32($0) }, shape: [6]))
    }
    let (a1, b1, a2, b2) = (
      try block.value("fc1.lora_A.weight").value, try block.value("fc1.lora_B.weight").value,
      try block.value("fc2.lora_A.weight").value, try block.value("fc2.lora_B.weight").value
    )
    #expect(
      a1.shape == [2, 6] && b1.shape == [6, 2] && a2.shape == [2, 6] && b2.shape == [6, 2])
    let x = FiniteDifferences.values([5, 6], seed: 1).cast(to: .f32)
    let (w1, w2) = (block.first.site.weight.value, block.second.site.weight.value)
    let (c1, c2) = (
      try #require(block.first.site.bias?.value), try #require(block.second.site.bias?.value)
    )
    let hidden = linear(x, weight: part(w1, 0) + matrixProduct(b1, a1), bias: part(c1, 0)).gelu()
    let expected = linear(hidden, weight: part(w2, 1) + matrixProduct(b2, a2), bias: c2)
    #expect(block.output(x, training).largestDifference(from: expected) < 1e-5)

    // Afterwards: zero outside of the kept places, the pair's product at them.
    for (linear, pair, axis) in [(block.first, (b1, a1), 0), (block.second, (b2, a2), 1)] {
      let change = try linear.site.merged().weight - linear.site.weight.value
      #expect(part(change, axis).largestDifference(from: matrixProduct(pair.0, pair.1)) < 1e-6)
      let rest = change.sumOfSquares() - part(change, axis).sumOfSquares()
      #expect(abs(rest) < 1e-5)
    }
    let whole = linear(
      linear(x, weight: try block.first.site.merged().weight, bias: c1).gelu(),
      weight: try block.second.site.merged().weight, bias: c2)
    #expect(block.output(x, .evaluation).largestDifference(from: whole) < 1e-5)
    #expect(whole.largestDifference(from: expected) > 0.01)
  }

  @Test("the units of least summed squared length go")
  func norms() throws {
    let block = try Block([("ratio", 0.3)])
    let (w1, w2) = (
      block.first.site.weight.value.doubles, block.second.site.weight.value.doubles
    )
    let scores = (0..<10).map { unit in
      (0..<6).reduce(0) { sum, other in
        let (a, b) = (w1[unit * 6 + other], w2[other * 10 + unit])
        return sum + a * a + b * b
      }
    }
    let wanted = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(7).sorted()
    #expect(try block.value("fc1.kept_indices").value.integers == wanted)
  }

  @Test("gradients of a training pass are those of finite differences")
  func gradients() throws {
    let block = try Block([("ratio", 0.5)])
    let x = FiniteDifferences.values([5, 6], seed: 2).cast(to: .f32)
    let y = block.output(x, training)
    let seed = FiniteDifferences.values(y.shape, seed: 3).cast(to: .f32)
    let found = y.gradients(for: seed)
    for parameter in block.adapter.parameters {
      let gradient = try #require(found[parameter.leaf]).doubles
      let value = parameter.value
      let size = gradient.map { abs($0) }.max() ?? 1
      for index in [0, parameter.elementCount - 1] {
        func moved(_ step: Float) -> Double {
          var values = value.elements(as: Float.self)
          values[index] += step
          parameter.value = Tensor(values, shape: value.shape)
          defer { parameter.value = value }
          return (block.output(x, training) * seed).sum().scalar
        }
        let difference = (moved(1e-2) - moved(-1e-2)) / 2e-2
        #expect(abs(difference - gradient[index]) < 5e-3 * size, "\(parameter.path)")
      }
    }
  }
}
