import Adapters
import Checkpoints
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Break-for-Make")
struct BreakForMakeTests {
  private func layers(_ part: String = "both", inputs: Int = 8) throws -> SmallLayers {
    try SmallLayers(
      BreakForMake.self,
      [("r", 3), ("alpha", 6), ("part", .text(part)), ("minor_rate", .number(0.25))],
      inputs: inputs)
  }

  private func values(_ layers: SmallLayers) throws -> (c: Tensor, d: Tensor, e: Tensor, f: Tensor)
  {
    func value(_ name: String) throws -> Tensor { try #require(layers.value(name)).value }
    return (try value("plp_C"), try value("plp_D"), try value("plp_E"), try value("plp_F"))
  }

  @Test("trains the second halves of both factors")
  func halves() throws {
    let layers = try layers()
    #expect(
      layers.adapter.parameters.map(\.path) == ["blocks.0.fc.plp_D", "blocks.0.fc.plp_F"])
    #expect(try layers.change().largestMagnitude == 0)
    layers.perturb()
    let (c, d, e, f) = try values(layers)
    #expect(e.largestMagnitude == 0)
    let product = matrixProduct(f, Tensor.concatenated([c, d], axis: 1)).scaled(by: 2)
    let wanted = product.padded(axis: 0, before: 6, after: 0)
    #expect(product.largestMagnitude > 0.1)
    #expect(try layers.change().largestDifference(from: wanted) < 1e-5)
  }

  @Test("takes the frozen halves of a square weight from one orthonormal basis")
  func orthonormal() throws {
    let layers = try layers(inputs: 12)
    let (c, d, e, f) = try values(layers)
    // All rows of a basis `[12, 3]` make up the identity.
    let gram = linear(c, weight: c) + matrixProduct(e.permuted([1, 0]), e)
    for (place, value) in gram.doubles.enumerated() {
      #expect(abs(value - (place % 4 == 0 ? 1 : 0)) < 1e-5)
    }
    #expect(c.largestMagnitude > 0.1 && e.largestMagnitude > 0.1)
    #expect(f.largestMagnitude == 0)
    let start = matrixProduct(e, Tensor.concatenated([c, d], axis: 1)).scaled(by: 2)
    let wanted = start.padded(axis: 0, before: 0, after: 6)
    #expect(wanted.largestMagnitude > 0.01)
    #expect(try layers.change().largestDifference(from: wanted) < 1e-5)
  }

  @Test("trains the factor of its part at full rate")
  func rates() throws {
    for (part, down, up) in [("content", 1.0, 0.25), ("style", 0.25, 1), ("both", 1, 1)] {
      let layers = try layers(part)
      let method = try #require(layers.adapter.method)
      let rates = layers.adapter.parameters.map { method.policy(of: $0).rateFactor }
      #expect(rates == [down, up], "\(part)")
    }
  }

  @Test("goes on from a saved adapter of another part")
  func stages() throws {
    let folder = try TemporaryDirectory()
    let content = try layers("content")
    content.perturb()
    try content.adapter.save(
      to: folder.path("adapter"), base: nil, baseDigest: "d", on: content.tree)
    let style = try layers("style")
    let reader = OptionReader(
      Located(
        plain: ["r": 3, "alpha": 6, "part": "style"], at: SourceLocation(source: "test")),
      BreakForMake.options, Diagnostics())
    _ = try style.adapter.start(
      from: PEFTDirectory(
        reading: folder.path("adapter"), accepting: [BreakForMake.peftType]),
      adapterMethods, options: reader, on: style.tree, layouts: [], baseDigest: "d",
      isOfTask: { _ in false })
    #expect(try content.change().largestMagnitude > 0.1)
    #expect(try style.change().bits == content.change().bits)
  }
}
