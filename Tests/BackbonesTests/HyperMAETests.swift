import Backbones
import Layers
import Recipes
import TestSupport
import Tensors
import Testing

@Suite("Hyper-MAE")
struct HyperMAETests {
  private func context(_ samples: Range<Int>, step: Int = 3) -> ForwardContext {
    .training(seed: 7, step: step, samples: samples)
  }

  private func values(_ result: Reconstruction, _ name: String) throws -> [Float] {
    try #require(result.named[name]).elements(as: Float.self)
  }

  @Test("masks by seed, step and sample, however the batch is cut")
  func shards() throws {
    let (model, _) = try hyperMAE()
    let input = scene(optical: 6, side: 16)
    let whole = model(input, context(0..<2))
    let second = model(input.samples(1..<2), context(1..<2))
    for name in ["multi.pos_mask", "multi.channel_mask", "multi.recon"] {
      let both = try #require(whole.named[name])
      let alone = try #require(second.named[name])
      #expect(alone.largestDifference(from: both.sliced(axis: 0, 1..<2)) <= 1e-5, "\(name)")
    }
    let masks = try #require(whole.named["multi.pos_mask"])
    #expect(masks.sliced(axis: 0, 0..<1).bits != masks.sliced(axis: 0, 1..<2).bits)
    let later = model(input, context(0..<2, step: 4))
    #expect(try values(later, "multi.pos_mask") != values(whole, "multi.pos_mask"))
  }

  @Test("keeps a quarter of the positions and half of the channels, two at least")
  func shares() throws {
    let (model, _) = try hyperMAE()
    let six = model(scene(optical: 6, side: 16), context(0..<2))
    #expect(try values(six, "multi.pos_mask").reduce(0, +) == 24)
    #expect(try values(six, "multi.channel_mask").reduce(0, +) == 6)
    #expect(six.named["multi.latent"]?.shape == [2, 4, 5, 32])
    let radar = model(scene(optical: 0, radar: 2, side: 16), context(0..<2))
    #expect(try values(radar, "multi.channel_mask").reduce(0, +) == 0)
    #expect(radar.named["target"]?.shape == [2, 2, 16, 16])
  }

  @Test("hides the same positions of all samples under a perception field")
  func sharedPositions() throws {
    let (model, _) = try hyperMAE(
      smallLESS + [.init("use_perception_field_mask", true), .init("attention_radius", 60)])
    let result = model(scene(side: 16), context(0..<2))
    let mask = try #require(result.named["multi.pos_mask"])
    #expect(mask.sliced(axis: 0, 0..<1).bits == mask.sliced(axis: 0, 1..<2).bits)
  }

  @Test("draws one of three modes for a step, the same for every part of the batch")
  func randomMode() throws {
    let (model, _) = try hyperMAE { $0.mode = .random }
    let input = scene(optical: 3, radar: 2, side: 8)
    var seen: Set<String> = []
    for step in 0..<24 {
      let modes = (0..<2).map { sample in
        model(input.samples(sample..<(sample + 1)), context(sample..<(sample + 1), step: step))
          .named.keys.filter { $0.hasSuffix(".recon") }
      }
      #expect(modes[0] == modes[1] && modes[0].count == 1)
      seen.formUnion(modes[0])
    }
    #expect(seen == ["multi.recon", "optical.recon", "radar.recon"])
  }

  @Test("adds the losses of all modes, in each of which all channels are the target")
  func allModes() throws {
    let (model, _) = try hyperMAE { $0.mode = .all }
    let input = scene(optical: 3, radar: 2)
    let result = model(input, context(0..<2))
    var sum = 0.0
    for mode in [HyperMAE.Mode.optical, .radar, .multi] {
      let (single, _) = try hyperMAE { $0.mode = mode }
      let alone = single(input, context(0..<2))
      sum += alone.loss.scalar
      let name = "\(mode.rawValue).channel_mask"
      #expect(alone.named[name]?.shape == [2, 5])
      #expect(try values(alone, name) == values(result, name))
    }
    #expect(abs(result.loss.scalar - sum) <= 1e-5 * sum)
    // What was not encoded counts as masked.
    let mask = try values(result, "optical.channel_mask")
    #expect(mask[3...4] == [1, 1] && mask[8...9] == [1, 1])
  }

  @Test("gives every parameter a gradient, zero for an input that is not there")
  func gradients() throws {
    let (model, tree) = try hyperMAE()
    let gradients = model(scene(side: 16), context(0..<2)).loss.gradients()
    for parameter in tree.parameters {
      let gradient = try #require(gradients[parameter.leaf], "\(parameter.path)")
      let isZero = gradient.largestMagnitude == 0
      #expect(isZero == parameter.path.contains("radar"), "\(parameter.path)")
    }
  }

  @Test("standardizes target patches by their unbiased variance")
  func normalizedPixels() throws {
    let (model, _) = try hyperMAE { $0.normalizesPixels = true }
    let patches = channelPatches(try #require(scene().values["optical"]), 4)
      .elements(as: Float.self)[0..<16].map(Double.init)
    let mean = patches.reduce(0, +) / 16
    let variance = patches.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 15
    let expected = patches.map { Float(($0 - mean) / (variance + 1e-6).squareRoot()) }
    let found = try values(model(scene(), .evaluation), "target")[0..<16]
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 })
  }

  @Test("samples optical channels of generation 2 while training, the same for all samples")
  func channelSampling() throws {
    let (model, _) = try hyperMAE(smallLESS + [.init("generation", 2)]) {
      $0.channelDropout = 0.5...0.75
    }
    let input = scene(optical: 8)
    var counts: Set<Int> = []
    for step in 0..<16 {
      let target = try #require(model(input, context(0..<2, step: step)).named["target"])
      counts.insert(target.shape[1])
      let shard = try #require(
        model(input.samples(1..<2), context(1..<2, step: step)).named["target"])
      #expect(shard.bits == target.sliced(axis: 0, 1..<2).bits)
    }
    #expect(counts == [2, 3, 4])
    #expect(model(input, .evaluation).named["target"]?.shape[1] == 8)
  }

  @Test("judges the trivial guess: the visible mean of sample and channel")
  func baseline() throws {
    // Channels of one value each are guessed exactly, and with both channels kept nothing is left.
    let (model, _) = try hyperMAE()
    var flat = scene(batch: 1, optical: 2, side: 16)
    let values = [Float](repeating: 3, count: 256) + [Float](repeating: -1, count: 256)
    flat.values["optical"] = Tensor(values, shape: [1, 2, 16, 16])
    #expect(model(flat, .evaluation).baseline == 0)
    #expect(model(flat, context(0..<1)).baseline == nil)
    // A channel that is masked is guessed by the sample's mean: three channels 0, 0, 6, two kept.
    let three = (0..<3).flatMap { [Float](repeating: $0 == 2 ? 6 : 0, count: 256) }
    var steps = scene(batch: 1, optical: 3, side: 16)
    steps.values["optical"] = Tensor(three, shape: [1, 3, 16, 16])
    let result = model(steps, .evaluation)
    let masked = try #require(try self.values(result, "multi.channel_mask").firstIndex(of: 1))
    // Masked 6: guess 0, error 36 / 3 at positions and 36 in the channel; masked 0: guess 3.
    #expect(result.baseline == (masked == 2 ? 48 : 12))
  }

  @Test("leaves pixels without data out of the loss where the generation says so")
  func noData() {
    let target = Tensor([0, 0, 2, 4] as [Float], shape: [1, 1, 2, 2])
    let prediction = Tensor([9, 9, 3, 4] as [Float], shape: [1, 1, 2, 2])
    let (positions, channels) = (
      Tensor([1, 1] as [Float], shape: [1, 2]), Tensor([0] as [Float], shape: [1, 1])
    )
    func loss(_ ignoresZeros: Bool) -> Double {
      MaskedReconstruction(
        measure: .squared, radarChannels: 0, ignoresZeroTargets: ignoresZeros)(
          prediction, target, positionMask: positions, channelMask: channels
        ).scalar
    }
    #expect(abs(loss(true) - 0.5) <= 1e-6)
    #expect(loss(false) == (81 + 0.5) / 2)
  }
}
