import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("C3A")
struct C3ATests {
  @Test("has circulant blocks")
  func blocks() throws {
    let layers = try SmallLayers(C3A.self, [("block_size", 4)])
    let change = try layers.change().doubles
    for row in 0..<11 where row % 4 != 3 {
      for column in 0..<8 {
        let next = column / 4 * 4 + (column + 1) % 4
        #expect(abs(change[row * 8 + column] - change[(row + 1) * 8 + next]) < 1e-7)
      }
    }
    let zero = try SmallLayers(C3A.self, [("block_size", 4), ("init_weights", "true")])
    #expect(try zero.change().largestMagnitude == 0)
  }

  @Test("gives layers below the derivative, and what PEFT gives them where asked")
  func gradient() throws {
    func gradients(_ isPEFT: Bool) throws -> (output: Tensor, kernel: Tensor, input: Tensor) {
      let layers = try SmallLayers(
        C3A.self, [("block_size", 4), ("peft_gradient", .boolean(isPEFT))])
      let leaf = Node()
      let x = FiniteDifferences.values([3, 8], seed: 1).cast(to: .f32)
      let y = layers.layers[0](x.tracked(by: leaf), .evaluation)
      let found = (y * y).sum().gradients()
      let kernel = try #require(layers.value("c3a_kernel"))
      return (y, try #require(found[kernel.leaf]), try #require(found[leaf]))
    }
    let (own, theirs) = (try gradients(false), try gradients(true))
    #expect(own.output.largestDifference(from: theirs.output) < 1e-6)
    #expect(own.kernel.largestDifference(from: theirs.kernel) < 1e-6)
    #expect(own.input.largestDifference(from: theirs.input) > 1e-3)
  }
}
