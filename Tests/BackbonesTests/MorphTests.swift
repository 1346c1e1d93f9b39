import Backbones
import Checkpoints
import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite("MORPH")
struct MorphTests {
  /// `c05_pos_slice` and its bilinear relatives.
  private struct PositionCase: Decodable {
    let frames: Int
    let tokens: Int
    let positional: String
    private enum CodingKeys: String, CodingKey {
      case frames = "t"
      case tokens = "n"
      case positional = "position_table"
    }
  }

  private struct PatchCase: Decodable {
    let patchSize: Int
    private enum CodingKeys: String, CodingKey { case patchSize = "patch_size" }
  }

  @Test(
    "resamples the position table as the reference does, forwards and backwards",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: Fixture.all(in: "morph") { $0.contains("_pos_") })
  func positions(fixture: Fixture) throws {
    let wanted = try fixture.decoded(as: PositionCase.self)
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let positional = try #require(MorphConfiguration.Positional(rawValue: wanted.positional))
    let leaf = Node()
    let resampled = resampledPositions(
      try file.tensor("weight.pos_embedding").tracked(by: leaf), time: wanted.frames,
      tokens: wanted.tokens, positional)
    #expect(resampled.largestDifference(from: try file.tensor("output.pe")) <= 1e-5)
    let gradients = resampled.gradients(for: try file.tensor("input.grad_output"))
    let gradient = try #require(gradients[leaf])
    #expect(gradient.largestDifference(from: try file.tensor("grad.pos_embedding")) <= 1e-5)
    Parity.passed(fixture.name)
  }

  @Test(
    "orders tokens and features as the reference does",
    .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: Fixture.all(in: "morph") { $0.contains("_patchify_") })
  func patchOrder(fixture: Fixture) throws {
    let size = try fixture.decoded(as: PatchCase.self).patchSize
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let cut = patches(try file.tensor("input.x"), [size, size, size])
    let expected = try file.tensor("output.patches")
    #expect(cut.shape == expected.shape)
    #expect(cut.bits == expected.bits)
    Parity.passed(fixture.name)
  }

  private func small(maxTime: Int = 2) -> (morph: Morph, tree: ModuleTree) {
    let builder = ModelBuilder()
    let morph = Morph(
      MorphConfiguration(
        patch: [4, 4, 4], dim: 16, depth: 1, heads: 2, fieldHeads: 4, mlpDim: 32, filters: 8,
        maxComponents: 2, maxFields: 2, maxTime: maxTime, maxPatches: 16),
      in: builder.root)
    builder.tree.initialize(seed: 3)
    return (morph, builder.tree)
  }

  @Test(
    "refuses what it cannot take, naming the field to change",
    arguments: [
      ([1, 1, 1, 1, 1, 1], "expected axes B, T, F, C, D, H, W"),
      ([1, 1, 1, 3, 1, 1, 8], "max_components is 2"),
      ([1, 3, 1, 1, 1, 1, 8], "max_ar is 2"),
      ([1, 1, 1, 1, 1, 6, 8], "height of 6 cells is no multiple of patch_size 4"),
      ([1, 1, 3, 2, 4, 4, 4], "Raise max_fields or max_components"),
    ])
  func refusals(shape: [Int], text: String) throws {
    let error = #expect(throws: BackboneError.self) { try small().morph.check(["state": shape]) }
    #expect(try #require(error).description.contains(text))
  }

  @Test("does not see the order of fields before the decoder")
  func fieldOrder() throws {
    let (morph, _) = small()
    let x = FiniteDifferences.values([2, 2, 2, 1, 1, 8, 8], seed: 1).cast(to: .f32)
    let swapped = Tensor.concatenated(
      [x.sliced(axis: 2, 1..<2), x.sliced(axis: 2, 0..<1)], axis: 2)
    let tokens = try #require(morph(BackboneInput(x), .evaluation).features.named["z"])
    let others = try #require(morph(BackboneInput(swapped), .evaluation).features.named["z"])
    #expect(tokens.largestDifference(from: others) <= 1e-5)
  }

  @Test("leaves queries and keys of an axis with one token out of the gradient")
  func absentGradients() throws {
    let (morph, tree) = small()
    let x = FiniteDifferences.values([1, 1, 1, 1, 1, 8, 8], seed: 2).cast(to: .f32)
    let prediction = try #require(morph(BackboneInput(x), .evaluation).prediction)
    let gradients = prediction.sum().gradients()
    let absent = tree.parameters.filter { gradients[$0.leaf] == nil }.map(\.path)
    let block = "transformer_blocks.0.axial_attn."
    let time = ["q", "k", "v", "o"].map { block + "attn_t." + $0 }
    let depth = ["q", "k"].map { block + "attn_d." + $0 }
    #expect(absent == (time + depth).flatMap { [$0 + ".weight", $0 + ".bias"] })
  }
}
