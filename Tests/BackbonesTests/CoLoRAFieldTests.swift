import Backbones
import Layers
import Tensors
import TestSupport
import Testing

@Suite("CoLoRA's field")
struct CoLoRAFieldTests {
  private func field(
    isFull: Bool = false, layers: Int = 3, periods: [Double] = [2, 3], moved: Bool = true
  ) -> (field: CoLoRAField, tree: ModuleTree) {
    let builder = ModelBuilder()
    let field = CoLoRAField(
      CoLoRAField.Configuration(
        periods: periods, fields: 2, conditions: 2, width: 5, layers: layers, rank: 3,
        isFull: isFull, hyperWidth: 4, hyperLayers: 2), in: builder.root)
    builder.tree.initialize(seed: 3)
    guard moved else { return (field, builder.tree) }
    for (index, parameter) in builder.tree.parameters.enumerated() {
      parameter.value =
        parameter.value.cast(to: .f32)
        + FiniteDifferences.values(parameter.shape, seed: index).scaled(by: 0.4).cast(to: .f32)
    }
    return (field, builder.tree)
  }

  private let points = FiniteDifferences.values([7, 2], seed: 50).cast(to: .f32)
  private let conditions = FiniteDifferences.values([3, 2], seed: 51).cast(to: .f32)

  @Test("has the values of its formula", arguments: [false, true])
  func count(isFull: Bool) {
    let (field, tree) = field(isFull: isFull)
    let q = isFull ? 9 : 3
    #expect(field.configuration.latentSize == q)
    #expect(field.latent(conditions).shape == [3, q])
    // Waves, C-layers 5→5, 5→5, 5→2, the hypernetwork 2→4→q.
    let expected =
      3 * 5 * 2 + 2 * (25 + 15 + 15 + 5) + (10 + 15 + 6 + 2) + (8 + 4) + (4 * q + q)
    #expect(tree.parameterCount == expected)
  }

  @Test("does not depend on its state before training, and repeats itself by its periods")
  func start() {
    let fresh = field(moved: false)
    let states = FiniteDifferences.values([2, 3], seed: 4).cast(to: .f32)
    let values = fresh.field.values(at: points, states: states)
    #expect(
      values.sliced(axis: 0, 0..<1).bits == values.sliced(axis: 0, 1..<2).bits)
    #expect(values.largestMagnitude > 0)
    let moved = field().field
    let shift = Tensor([2, 3] as [Float], shape: [2])
    let (here, there) = (
      moved.values(at: points, states: states), moved.values(at: points + shift, states: states)
    )
    #expect(here.largestDifference(from: there) < 1e-5 * here.largestMagnitude)
    #expect(here.sliced(axis: 0, 0..<1).largestDifference(from: here.sliced(axis: 0, 1..<2)) > 0.01)
  }

  @Test("a state turns the low-rank part of its own layer", arguments: [false, true])
  func weights(isFull: Bool) throws {
    let (field, tree) = field(isFull: isFull, layers: 11)
    let size = isFull ? 3 : 1
    let plain = field.weights(at: Tensor(zeros: [11 * size]))
    // By name, layer 10 comes third.
    for (layer, place) in [(0, 0), (1, 1), (10, 2), (2, 3), (9, 10)] {
      var state = [Float](repeating: 0, count: 11 * size)
      state[place * size] = 2
      let moved = field.weights(at: Tensor(state, shape: [state.count]))
      for index in 0..<11 where index != layer { #expect(moved[index].bits == plain[index].bits) }
      let a = try #require(tree.parameter("theta.CoLoRA_\(layer).A")).value
      let b = try #require(tree.parameter("theta.CoLoRA_\(layer).B")).value
      let part = isFull ? 0..<1 : 0..<3
      let product = matrixProduct(a.sliced(axis: 1, part), b.sliced(axis: 0, part))
      let difference = moved[layer] - plain[layer]
      #expect(difference.largestDifference(from: product.scaled(by: 2)) < 1e-5)
    }
  }

  @Test("has the gradients that finite differences give")
  func gradients() throws {
    let (field, tree) = field(isFull: true)
    for parameter in tree.parameters { parameter.value = parameter.value.cast(to: .f64) }
    let (x, target) = (points.cast(to: .f64), FiniteDifferences.values([3, 7, 2], seed: 8))
    func loss() -> Tensor {
      meanRelativeError(
        field.values(at: x, states: field.latent(conditions.cast(to: .f64))), target)
    }
    let found = loss().gradients()
    for parameter in tree.parameters {
      let gradient = try #require(found[parameter.leaf], "\(parameter.path)")
        .elements(as: Double.self)
      let value = parameter.value
      var elements = value.elements(as: Double.self)
      for index in stride(from: 0, to: elements.count, by: 3) {
        let original = elements[index]
        let sides = [1e-6, -1e-6].map { step in
          elements[index] = original + step
          parameter.value = Tensor(elements, shape: value.shape)
          return loss().scalar
        }
        elements[index] = original
        #expect(abs(gradient[index] - (sides[0] - sides[1]) / 2e-6) < 1e-8, "\(parameter.path)")
      }
      parameter.value = value
    }
  }
}
