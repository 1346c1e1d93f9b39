import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Invertible")
struct InvertibleTests {
  private let x = FiniteDifferences.values([6, 8], seed: 2).cast(to: .f32)

  /// U φ(D y + d) + u of a coupling.
  private func coupling(_ layers: SmallLayers, _ name: String, _ y: Tensor) throws -> Tensor {
    func value(_ field: String) throws -> Tensor {
      try #require(layers.value("invertible_\(name).\(field)")).value
    }
    let hidden = linear(y, weight: try value("down.weight"), bias: try value("down.bias"))
    return linear(hidden.gelu(), weight: try value("up.weight"), bias: try value("up.bias"))
  }

  @Test("what it does can be undone", arguments: [12, 5])
  func inverse(features: Int) throws {
    let layers = try SmallLayers(Invertible.self, [("h", 3)], outputs: features)
    layers.perturb()
    #expect(Invertible.isExperimental)
    let site = layers.layers[0].site
    let plain = linear(x, weight: site.weight.value, bias: try #require(site.bias).value)
    let found = layers.layers[0](x, .evaluation)
    #expect(found.largestDifference(from: plain) > 0.01)
    let half = (features + 1) / 2
    let (first, second) = (
      found.sliced(axis: 1, 0..<half), found.sliced(axis: 1, half..<features)
    )
    let rest = second - (try coupling(layers, "G", first))
    let head = first - (try coupling(layers, "F", rest))
    let back = Tensor.concatenated([head, rest], axis: 1)
    #expect(back.largestDifference(from: plain) < 1e-5)
  }

  @Test("on a convolution it acts on the features of every place")
  func convolution() throws {
    let layers = try SmallLayers(Invertible.self, [("h", 3)])
    layers.perturb()
    let builder = ModelBuilder()
    let layer = Convolution(builder.root / "fc", inputs: 8, outputs: 12, kernel: [1, 1])
    for parameter in builder.tree.parameters {
      let own = try #require(layers.tree.parameters.first { $0.path.hasSuffix(parameter.path) })
      parameter.value = own.value.reshaped(to: parameter.shape)
    }
    var settings = AdapterSettings(name: "test", method: Invertible.name)
    settings.targets = [try Pattern("fc")]
    let adapter = try AttachedAdapter(
      settings, method: try Invertible.made([("h", 3)]), on: builder.tree, defaults: [], seed: 3)
    for (parameter, own) in zip(adapter.parameters, layers.adapter.parameters) {
      parameter.value = own.value
    }
    let image = x.reshaped(to: [1, 2, 3, 8]).permuted([0, 3, 1, 2])
    let found = layer(image, .evaluation).permuted([0, 2, 3, 1]).reshaped(to: [6, 12])
    #expect(found.largestDifference(from: layers.layers[0](x, .evaluation)) < 1e-5)
  }

  @Test("refuses a single feature")
  func single() {
    #expect(throws: AdapterError.self) { _ = try SmallLayers(Invertible.self, outputs: 1) }
  }
}
