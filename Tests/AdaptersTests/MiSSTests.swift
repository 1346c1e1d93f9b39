import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("MiSS")
struct MiSSTests {
  @Test(
    "repeats its block along inputs, and a smaller one along outputs", arguments: ["true", "mini"])
  func repeats(form: String) throws {
    let layers = try SmallLayers(
      MiSS.self, [("r", 3), ("mini_r", 4), ("init_weights", .text(form))])
    layers.perturb()
    let block = try #require(layers.value("miss_block"))
    let width = form == "mini" ? 4 : 12
    #expect(block.shape == [3, width])
    let (values, change) = (block.value.doubles, try layers.change().doubles)
    for row in 0..<12 {
      for column in 0..<8 {
        #expect(
          abs(change[row * 8 + column] - values[column % 3 * width + row % width]) < 1e-6)
      }
    }
  }

  @Test("needs blocks that divide both sides where they multiply the weight")
  func sizes() throws {
    #expect(throws: AdapterError.self) {
      _ = try SmallLayers(MiSS.self, [("r", 3), ("init_weights", "bat")])
    }
    let layers = try SmallLayers(MiSS.self, [("r", 4), ("init_weights", "bat")])
    #expect(try #require(layers.value("miss_block")).shape == [3, 4, 4])
  }

  @Test("is called bone as well")
  func alias() throws {
    #expect(try adapterMethods.entry(named: "bone").name == "miss")
    #expect(!adapterMethods.names.contains("bone"))
  }
}
