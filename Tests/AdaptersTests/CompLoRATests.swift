import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Comp-LoRA")
struct CompLoRATests {
  private func layers(_ energy: Double, rank: Int = 2) throws -> SmallLayers {
    let layers = try SmallLayers(
      CompLoRA.self, [("r", .integer(rank)), ("alpha", 3), ("energy", .number(energy))])
    layers.perturb()
    return layers
  }

  @Test("leaves the principal directions of the energy alone, and changes the next")
  func complement() throws {
    let layers = try layers(0.6)
    let parts = layers.layers[0].site.weight.value.singularValues()
    let squares = parts.values.doubles.map { $0 * $0 }
    let total = squares.reduce(0, +)
    let count = try #require(
      (1...8).first { squares.prefix($0).reduce(0, +) >= 0.6 * total })
    #expect(count < 6, "the energy decides, not the rank")
    let change = try layers.change()
    #expect(change.largestMagnitude > 0.01)
    let right = linear(change, weight: parts.right).permuted([1, 0]).rowLengths
    let left = matrixProduct(parts.left.permuted([1, 0]), change).rowLengths
    for lengths in [right, left] {
      for index in lengths.indices {
        #expect(index < count ? lengths[index] < 1e-6 : lengths[index] > 1e-3, "\(index)")
      }
    }
  }

  @Test("is LoRA without energy, and leaves as many directions as the rank")
  func limits() throws {
    let plain = try layers(0)
    let (a, b) = (try #require(plain.value("lora_A.weight")), plain.value("lora_B.weight"))
    let product = matrixProduct(try #require(b).value, a.value).scaled(by: 1.5)
    let change = try plain.change()
    #expect(change.largestDifference(from: product) < 1e-6)
    let most = try layers(0.9999, rank: 3).change().singularValues().values.doubles
    #expect(most[2] > 1e-3 * most[0])
    #expect(most[3] < 1e-5 * most[0])
  }
}
