import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("IncreLoRA")
struct IncreLoRATests {
  private let options: [(String, PlainValue)] = [
    ("r", 1), ("target_r", 2), ("max_r", 4), ("increment", 1), ("top_h", 1), ("init_warmup", 1),
    ("incre_interval", 2), ("alpha", 3), ("beta1", 0.75), ("beta2", 0.5),
  ]
  private let x = FiniteDifferences.values([4, 8], seed: 2).cast(to: .f32)
  private let slope = FiniteDifferences.values([4, 12], seed: 3).cast(to: .f32)

  /// One pass through the second layer alone, with what hooks do around it.
  private func step(_ layers: SmallLayers, _ hooks: [any TrainingHook], _ number: Int) {
    let context = ForwardContext.training(seed: 1, step: number, samples: 0..<4)
    var gradients = layers.layers[layers.layers.count - 1](x, context).gradients(for: slope)
    for hook in hooks { hook.change(&gradients, step: number, of: 9) }
    for hook in hooks { hook.end(step: number, of: 9) }
  }

  private func roles(_ layers: SmallLayers) -> [[Float]] {
    layers.adapter.buffers.filter { $0.path.hasSuffix("rank_roles") }
      .map { $0.value.elements(as: Float.self) }
  }

  @Test("grows the module that matters, until the mean rank is reached")
  func growth() throws {
    let layers = try SmallLayers(IncreLoRA.self, options, count: 2)
    let hooks = try layers.adapter.hooks()
    layers.perturb()
    var found: [[[Float]]] = []
    for number in 0..<6 {
      step(layers, hooks, number)
      found.append(roles(layers))
    }
    #expect(found[0] == [[2, 1, 0, 0], [2, 1, 0, 0]])
    #expect(found[1] == found[0], "within the warmup and off the interval")
    #expect(found[2] == [[2, 1, 0, 0], [2, 2, 1, 0]])
    #expect(found[3] == found[2])
    #expect(found[4] == [[2, 0, 0, 0], [2, 2, 2, 0]], "reserves go with the last growth")
    #expect(found[5] == found[4])
    let values = layers.adapter.parameters.filter { $0.path.hasSuffix("lora_E") }[1].value
    #expect(values.doubles[1] == Double(Float(1e-5)), "a new unit starts as it was in reserve")
  }

  @Test("averages the importance of the update and its uncertainty")
  func importance() throws {
    let layers = try SmallLayers(IncreLoRA.self, options)
    layers.perturb()
    // The update of a layer that is trained takes the same way as one that is not.
    let update = try layers.change().doubles
    let gradient = matrixProduct(slope.permuted([1, 0]), x).doubles
    let sum = zip(update, gradient).reduce(0) { $0 + abs($1.0 * $1.1) }
    let importance = sum / 96.0.squareRoot()
    step(layers, try layers.adapter.hooks(), 0)
    let found = try #require(layers.value("rank_averages")).value.doubles
    #expect(importance > 1e-3)
    #expect(abs(found[0] - 0.25 * importance) < 1e-5 * importance)
    #expect(abs(found[1] - 0.5 * 0.75 * importance) < 1e-5 * importance)
  }

  @Test("computes with active units, reserves at 1e-5, and no others")
  func units() throws {
    let layers = try SmallLayers(IncreLoRA.self, options)
    layers.perturb()
    func value(_ name: String) throws -> [Double] {
      try #require(layers.value(name)).value.doubles
    }
    let (a, e, b) = (try value("lora_A"), try value("lora_E"), try value("lora_B"))
    let gates = [e[0], 1e-5, 0, 0]
    let wanted = (0..<96).map { place -> Float in
      let (row, column) = (place / 8, place % 8)
      let sum = (0..<4).reduce(0) { $0 + b[row * 4 + $1] * gates[$1] * a[$1 * 8 + column] }
      return Float(3 / 1.00001 * sum)
    }
    let expected = Tensor(wanted, shape: [12, 8])
    #expect(expected.largestMagnitude > 1e-3)
    #expect(try layers.change().largestDifference(from: expected) < 1e-6)
  }

  @Test("asks for orthonormal rows of the units that are there")
  func orthogonality() throws {
    let layers = try SmallLayers(IncreLoRA.self, options + [("orth_reg_weight", 0.5)])
    let (a, b) = (
      try #require(layers.value("lora_A")), try #require(layers.value("lora_B"))
    )
    let rows = layers.adapter.modules[0].target.layer
    a.value = a.value.permuted([1, 0]).orthogonalTriangular().q.permuted([1, 0])
    b.value = b.value.orthogonalTriangular().q
    let change = layers.adapter.modules[0].change
    #expect(abs(try #require(change.penalty(rows)).scalar) < 1e-5)
    a.value = Tensor(zeros: [4, 8])
    // ‖−I‖ over two units, of one of two factors.
    #expect(abs(try #require(change.penalty(rows)).scalar - 0.25 * 2.0.squareRoot()) < 1e-5)
  }
}
