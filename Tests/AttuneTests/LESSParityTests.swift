import Attune
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("LESS ViT beside its reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct LESSParityTests {
  @Test(
    "whole models and heads of both generations",
    arguments: Fixture.all(in: "less-vit") { $0 != "band_tables" })
  func wholeModel(fixture: Fixture) throws {
    let report = try verify([fixture.json.path])
    #expect(report.passed == 1 && report.failed == 0, "\(report.cases)")
    #expect(report.cases.allSatisfy { $0.missing == 0 && $0.compared > 0 })
    Parity.passed(fixture.name)
  }

  @Test(
    "a matrix that is wrong by a thousandth is noticed",
    arguments: [
      ("encoder_s2_13band_rank4_mask", "blocks.0.attn.spatial_branch.qk.weight"),
      ("mae_multi_mask_grad", "decoder.decoder_blocks.0.mlp.fc1.weight"),
      ("v2_mae_rope_grad", "encoder.blocks.1.attn.attn.channel_branch.v.weight"),
    ])
  func wrongWeight(name: String, weight: String) throws {
    let fixture = try #require(Fixture.all(in: "less-vit") { $0 == name }.first)
    let folder = try TemporaryDirectory()
    let file = try SafetensorsFile(path: fixture.tensors.path)
    #expect(file.names.contains("weight." + weight))
    let tensors = try file.names.map { name in
      let tensor = try file.tensor(name)
      return (name: name, tensor: name == "weight." + weight ? tensor.scaled(by: 1.001) : tensor)
    }
    try writeSafetensors(tensors, to: folder.path("case.safetensors"))
    let json = folder.path("case.json")
    try FileManager.default.copyItem(atPath: fixture.json.path, toPath: json)
    #expect(try verify([json]).failed == 1)
  }
}
