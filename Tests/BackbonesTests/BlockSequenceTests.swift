import Backbones
import Layers
import Tensors
import TestSupport
import Testing

/// A small backbone of blocks with an input for it.
private struct Built {
  let network: any BlockSequence
  let tree: ModuleTree
  let input: Tensor

  static func vit(_ adjust: (inout ViTConfiguration) -> Void = { _ in }) -> Built {
    var configuration = ViTConfiguration()
    configuration.imageSize = [16, 16]
    configuration.patch = [8, 8]
    configuration.width = 24
    configuration.depth = 3
    configuration.heads = 2
    configuration.classes = 5
    adjust(&configuration)
    let builder = ModelBuilder()
    return Built(
      ViT(configuration, in: builder.root), builder,
      FiniteDifferences.values([2, 3, 16, 16], seed: 3).cast(to: .f32))
  }

  static func morph(dropout: Double = 0, embeddingDropout: Double = 0) -> Built {
    let builder = ModelBuilder()
    let morph = Morph(
      MorphConfiguration(
        patch: [4, 4, 4], dim: 16, depth: 3, heads: 2, fieldHeads: 4, mlpDim: 32, filters: 8,
        maxComponents: 1, maxFields: 2, maxTime: 2, maxPatches: 16, dropout: dropout,
        embeddingDropout: embeddingDropout), in: builder.root)
    return Built(
      morph, builder, FiniteDifferences.values([2, 2, 2, 1, 1, 8, 8], seed: 1).cast(to: .f32))
  }

  private init(_ network: any BlockSequence, _ builder: ModelBuilder, _ input: Tensor) {
    self.network = network
    self.input = input
    tree = builder.tree
    for (index, parameter) in tree.stored.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: index).cast(to: .f32)
        .scaled(by: 0.3)
    }
  }

  func hidden(before cut: Int, _ context: ForwardContext = .evaluation) -> Tensor {
    network.hidden(BackboneInput(input), before: cut, context)
  }
}

@Suite("A backbone cut between its blocks")
struct BlockSequenceTests {
  @Test("gives what the whole gives, wherever it is cut")
  func wholeAndParts() throws {
    let variants: [Built] = [
      .vit(), .vit { $0.pooling = .average },
      .vit {
        $0.pooling = .attention
        $0.layerScale = 0.5
      },
      .morph(),
    ]
    for built in variants {
      let whole = built.network(BackboneInput(built.input), maps: [2], .evaluation)
      for cut in 0...3 {
        let hidden = built.hidden(before: cut)
        #expect(hidden.shape[0] == 2)
        let maps: Set<Int> = cut < 3 ? [2] : []
        let rest = built.network.output(
          of: hidden, from: cut, inputShape: built.input.shape, maps: maps, .evaluation)
        #expect(rest.logits?.bits == whole.logits?.bits)
        #expect(rest.prediction?.bits == whole.prediction?.bits)
        #expect(rest.features.pooled?.bits == whole.features.pooled?.bits)
        #expect(rest.features.named["z"]?.bits == whole.features.named["z"]?.bits)
        if cut < 3 { #expect(rest.features.maps[2]?.bits == whole.features.maps[2]?.bits) }
      }
    }
  }

  @Test("knows the first block that something changes")
  func firstBlock() throws {
    let vit = Built.vit().network
    #expect(vit.firstBlock(changedBy: ["blocks.2.attn.qkv.lora_A", "blocks.1.norm1.weight"]) == 1)
    #expect(vit.firstBlock(changedBy: ["head.weight", "norm.bias"]) == 3)
    #expect(vit.firstBlock(changedBy: ["blocks.0.mlp.fc1"]) == 0)
    #expect(vit.firstBlock(changedBy: ["head.weight", "pos_embed"]) == nil)
    #expect(vit.firstBlock(changedBy: ["patch_embed.proj.weight"]) == nil)
    let morph = Built.morph().network
    #expect(morph.firstBlock(changedBy: ["transformer_blocks.2.mlp.0", "decoder.linear"]) == 2)
    #expect(morph.firstBlock(changedBy: ["pos_encoding.pos_embedding"]) == nil)
  }

  @Test("every value belongs to one side of a cut, and those below it decide what crosses it")
  func sides() throws {
    for built in [Built.vit { $0.pooling = .attention }, .morph()] {
      let before = built.hidden(before: 1).bits
      for parameter in built.tree.stored {
        let value = parameter.value
        parameter.value = value.scaled(by: 1.5)
        let isBelow = built.network.isBelow(1, parameter.path)
        if !isBelow { #expect(built.hidden(before: 1).bits == before, "\(parameter.path)") }
        parameter.value = value
      }
      let below = built.tree.stored.filter { built.network.isBelow(1, $0.path) }
      #expect(below.contains { $0.path.hasPrefix(type(of: built.network).blocksPath + ".0.") })
      #expect(!below.contains { $0.path.hasPrefix(type(of: built.network).blocksPath + ".1.") })
    }
  }

  @Test("says what is drawn below a cut exactly where training differs from evaluation")
  func randomness() throws {
    let variants: [Built] = [
      .vit(), .vit { $0.positionDropout = 0.5 }, .vit { $0.projectionDropout = 0.5 },
      .vit { $0.attentionDropout = 0.5 }, .vit { $0.dropPathRate = 0.9 },
      .vit {
        $0.positions = .none
        $0.positionDropout = 0.5
      },
      .morph(), .morph(dropout: 0.5), .morph(embeddingDropout: 0.5),
    ]
    for (number, built) in variants.enumerated() {
      for cut in 0...3 {
        let evaluated = built.hidden(before: cut).bits
        let differs = (0..<8).contains { step in
          built.hidden(before: cut, .training(seed: 1, step: step, samples: 0..<2)).bits
            != evaluated
        }
        let named = built.network.randomness(before: cut)
        #expect(named.isEmpty != differs, "variant \(number), cut \(cut): \(named)")
      }
    }
  }
}
