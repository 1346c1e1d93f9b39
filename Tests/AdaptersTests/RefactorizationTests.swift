import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Refactorization")
struct RefactorizationTests {
  private func layers(
    _ options: [(String, PlainValue)], _ type: any AdapterMethod.Type = LoRA.self
  ) throws -> SmallLayers {
    try SmallLayers(type, [("r", 3)]) {
      $0.schedule = try made(Refactorization.options, options, Refactorization.init)
    }
  }

  /// Eigenvalues of A Aᵀ or Bᵀ B.
  private func spectrum(_ rows: Tensor) -> [Double] {
    linear(rows, weight: rows).cast(to: .f64).symmetricEigenvalues().values.doubles
  }

  @Test("keeps the update and balances its factors, on time")
  func balance() throws {
    let layers = try layers([("interval", 2)])
    layers.perturb()
    let (a, b) = (layers.adapter.parameters[0], layers.adapter.parameters[1])
    let (update, before) = (try layers.change(), a.value)
    let hooks = try layers.adapter.hooks()
    for hook in hooks { hook.end(step: 0, of: 9) }
    #expect(a.value.bits == before.bits)
    #expect(hooks.flatMap { $0.forgotten(step: 0, of: 9) }.isEmpty)
    for hook in hooks { hook.end(step: 1, of: 9) }
    #expect(a.value.largestDifference(from: before) > 0.01)
    #expect(try layers.change().largestDifference(from: update) < 2e-6)
    let values = matrixProduct(b.value, a.value).cast(to: .f64).singularValues().values.doubles
    let (down, up) = (spectrum(a.value), spectrum(b.value.permuted([1, 0])))
    for index in 0..<3 {
      #expect(abs(down[index] - values[2 - index]) < 1e-5)
      #expect(abs(up[index] - values[2 - index]) < 1e-5)
    }
    let inner = linear(a.value, weight: a.value).doubles
    for place in inner.indices where place % 4 != 0 { #expect(abs(inner[place]) < 1e-5) }
  }

  @Test("lets the optimizer forget the factors, unless told otherwise", arguments: [true, false])
  func momentum(resets: Bool) throws {
    let layers = try layers([("interval", 1), ("reset_momentum", .boolean(resets))])
    let hooks = try layers.adapter.hooks()
    let found = hooks.flatMap { $0.forgotten(step: 0, of: 9) }.map(\.path)
    #expect(found == (resets ? layers.adapter.parameters.map(\.path) : []))
  }

  @Test("leaves a pair without effect as it is")
  func zero() throws {
    let layers = try layers([("interval", 1)])
    let before = layers.adapter.parameters.map(\.value.bits)
    for hook in try layers.adapter.hooks() { hook.end(step: 0, of: 9) }
    #expect(layers.adapter.parameters.map(\.value.bits) == before)
  }

  @Test("is refused for other methods")
  func refusals() throws {
    let other = try layers([], LoRAXS.self)
    #expect(throws: AdapterError.self) { _ = try other.adapter.hooks() }
  }
}
