import Backbones
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Masked autoencoder of a vision transformer")
struct ViTMAETests {
  private func build(
    _ change: (inout ViTMAEConfiguration) -> Void = { _ in }
  ) -> (model: ViTMAE, tree: ModuleTree) {
    var encoder = ViTConfiguration()
    (encoder.width, encoder.depth, encoder.heads) = (16, 1, 2)
    (encoder.imageSize, encoder.patch) = ([8, 12], [4, 4])
    var configuration = ViTMAEConfiguration(encoder)
    (configuration.decoderWidth, configuration.decoderDepth) = (8, 1)
    (configuration.decoderHeads, configuration.maskRatio) = (2, 0.5)
    change(&configuration)
    let builder = ModelBuilder()
    let model = ViTMAE(configuration, in: builder.root)
    builder.tree.initialize(seed: 4)
    return (model, builder.tree)
  }

  private let context = ForwardContext.evaluation(seed: 1, samples: 0..<2)

  @Test("masks the wanted share of each sample, by seed and place alone")
  func masks() throws {
    let (model, _) = build()
    let x = values([2, 3, 8, 12])
    let named = model(BackboneInput(x), context).named
    let mask = try #require(named["mask"]).elements(as: Float.self)
    #expect(mask.count == 12 && mask[..<6].reduce(0, +) == 3 && mask[6...].reduce(0, +) == 3)
    let second = model(
      BackboneInput(x.sliced(axis: 0, 1..<2)), .evaluation(seed: 1, samples: 1..<2))
    #expect(second.named["mask"]?.elements(as: Float.self) == Array(mask[6...]))
    #expect(named["latent"]?.shape == [2, 4, 16])
    #expect(named["reconstruction"]?.shape == [2, 6, 48])
  }

  @Test("its loss and baseline are those of the masked patches", arguments: [false, true])
  func loss(isAbsolute: Bool) throws {
    let (model, _) = build { $0.loss = isAbsolute ? .l1 : .mse }
    let result = model(BackboneInput(values([2, 3, 8, 12])), context)
    let names = ["reconstruction", "target", "mask"]
    let found = try names.map { try #require(result.named[$0]).elements(as: Float.self) }
    let (predictions, targets, mask) = (found[0], found[1], found[2])
    var (sum, trivial) = (0.0, 0.0)
    for sample in 0..<2 {
      var means = [Double](repeating: 0, count: 3)
      for patch in 0..<6 where mask[sample * 6 + patch] == 0 {
        for value in 0..<48 {
          means[value % 3] += Double(targets[(sample * 6 + patch) * 48 + value]) / (3 * 16)
        }
      }
      for patch in 0..<6 where mask[sample * 6 + patch] == 1 {
        for value in 0..<48 {
          let place = (sample * 6 + patch) * 48 + value
          let error = Double(predictions[place] - targets[place])
          let guess = means[value % 3] - Double(targets[place])
          sum += isAbsolute ? abs(error) : error * error
          trivial += isAbsolute ? abs(guess) : guess * guess
        }
      }
    }
    let count = 6.0 * 48
    #expect(abs(result.loss.scalar - sum / count) <= 1e-5)
    #expect(abs(try #require(result.baseline) - trivial / count) <= 1e-5)
  }

  @Test("a normalized target has mean 0 and unbiased variance 1 in every patch")
  func normalizedTarget() throws {
    let (model, _) = build { $0.normalizesPixels = true }
    let named = model(BackboneInput(values([2, 3, 8, 12])), context).named
    let target = try #require(named["target"]).elements(as: Float.self).map(Double.init)
    for start in stride(from: 0, to: target.count, by: 48) {
      let patch = target[start..<(start + 48)]
      #expect(abs(patch.reduce(0, +)) <= 1e-4)
      #expect(abs(patch.reduce(0) { $0 + $1 * $1 } / 47 - 1) <= 1e-4)
    }
  }

  @Test("its positions are fixed sines and cosines, columns first, zero for the class token")
  func positions() throws {
    let (_, tree) = build()
    let table = try #require(tree.buffers.first { $0.path == "pos_embed" })
    #expect(table.shape == [1, 7, 16])
    let rows = table.value.elements(as: Float.self)
    #expect(rows[..<16].allSatisfy { $0 == 0 })
    // The patch in line 1, column 2 is row 1 + 3 + 2.
    let row = rows[(6 * 16)..<(7 * 16)].map(Double.init)
    let frequencies = [1.0, 0.1, 0.01, 0.001]
    let expected =
      frequencies.map { sin(2 * $0) } + frequencies.map { cos(2 * $0) }
      + frequencies.map { sin($0) } + frequencies.map { cos($0) }
    #expect(zip(row, expected).allSatisfy { abs($0 - $1) <= 1e-6 })
    #expect(tree.buffers.map(\.path) == ["pos_embed", "decoder_pos_embed"])
  }

  @Test("a few steps lower the loss, and its encoder opens as a vision transformer")
  func training() throws {
    let (model, tree) = build()
    let x = values([2, 3, 8, 12])
    let first = model(BackboneInput(x), context).loss.scalar
    for _ in 0..<20 {
      let gradients = model(BackboneInput(x), context).loss.gradients()
      for parameter in tree.parameters {
        let gradient = try #require(gradients[parameter.leaf], "\(parameter.path)")
        parameter.value = parameter.value - gradient.scaled(by: 0.1)
      }
    }
    #expect(model(BackboneInput(x), context).loss.scalar < 0.9 * first)
    let vit = try BuiltViT.small([("depth", 1), ("img_size", [8, 12])])
    let stored = Set(tree.stored.map(\.path))
    let layout = try #require(vit.vit.layouts.first { $0.recognizes(stored) })
    #expect(layout.name == "mae")
    let needed = Set(vit.tree.parameters.flatMap { layout.parts(of: $0.path).map(\.key) })
    #expect(needed.isSubset(of: stored))
    #expect(stored.subtracting(needed).allSatisfy { layout.ignores($0) })
  }

  @Test("sizes that cannot be are refused")
  func refusals() throws {
    let diagnostics = Diagnostics()
    let options: [(String, PlainValue)] = [("embed_dim", 18), ("num_heads", 3), ("img_size", 16)]
    let reader = OptionReader(
      Located(
        plain: .map(options.map { .init($0.0, $0.1) }), at: SourceLocation(source: "test"),
        path: "model.backbone"), ViT.options, diagnostics)
    _ = ViTMAE(reader, .standard, for: DataShape(), in: ModelBuilder().root, diagnostics)
    let error = #expect(throws: RecipeError.self) { try diagnostics.throwErrors() }
    #expect("\(try #require(error))".contains("embed_dim 18 is no multiple of 4"))
  }
}
