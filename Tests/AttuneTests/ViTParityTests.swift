import Attune
import Checkpoints
import Foundation
import Formats
import Recipes
import Tensors
import TestSupport
import Testing

@Suite(
  "Vision transformers beside timm and transformers",
  .enabled(if: Shared.isPresent, "../shared is absent"))
struct ViTParityTests {
  @Test("whole models", arguments: Fixture.all(in: "vit"))
  func wholeModel(fixture: Fixture) throws {
    let report = try verify([fixture.json.path])
    #expect(report.passed == 1 && report.failed == 0, "\(report.cases)")
    #expect(report.cases.allSatisfy { $0.missing == 0 && $0.compared > 20 })
    Parity.passed(fixture.name)
  }

  @Test(
    "bases of adapters: intermediate activations, shards, names of transformers",
    arguments: ["base_timm", "base_timm_sharded", "base_hf"])
  func base(folder: String) throws {
    let report = try verify([Shared.path("fixtures/peft/\(folder)")])
    #expect(report.passed == 1 && report.failed == 0, "\(report.cases)")
    #expect(report.cases.allSatisfy { $0.missing == 0 && $0.compared > 35 })
    Parity.passed("peft/\(folder)")
  }

  @Test(
    "an error that a case is made to show is noticed",
    arguments: [
      ("small_variance", "norm_eps", JSONValue.number(1e-5)),
      ("map_pool_gelutanh", "act_layer", "gelu"), ("registers_layerscale_p14", "num_heads", 2),
      ("avgpool_fcnorm", "fc_norm", false),
    ])
  func plantedError(name: String, key: String, value: JSONValue) throws {
    let folder = try TemporaryDirectory()
    let json = folder.path("case.json")
    try changed(name, to: json) { description in
      var config = try #require(description["config"]?.object)
      config[key] = value
      description["config"] = .object(config)
    }
    try FileManager.default.copyItem(
      atPath: Shared.path("fixtures/vit/\(name).safetensors"),
      toPath: folder.path("case.safetensors"))
    let isRefused = (try? verify([json]).failed == 1) ?? true
    #expect(isRefused)
  }

  @Test("weights in a file of their own are read after comparing its digest")
  func referredWeights() throws {
    let folder = try TemporaryDirectory()
    let stored = try SafetensorsFile(
      path: Shared.path("fixtures/vit/noclass_avgpool_norm.safetensors"))
    var (weights, rest): ([(name: String, tensor: Tensor)], [(name: String, tensor: Tensor)]) = (
      [], []
    )
    for name in stored.names {
      let tensor = try stored.tensor(name)
      if name.hasPrefix("weight.") {
        weights.append((String(name.dropFirst("weight.".count)), tensor))
      } else {
        rest.append((name, tensor))
      }
    }
    try writeSafetensors(weights, to: folder.path("mine.safetensors"))
    try writeSafetensors(rest, to: folder.path("case.safetensors"))
    func make(digest: String) throws {
      try changed("noclass_avgpool_norm", to: folder.path("case.json")) { description in
        description["checkpoint"] = [
          "file": "mine.safetensors", "format": "safetensors", "sha256": .string(digest),
        ]
      }
    }
    let digest = try SHA256Digest.ofFile(folder.path("mine.safetensors"))
    try make(digest: digest)
    #expect(try verify([folder.path("case.json")]).passed == 1)
    try make(digest: String(digest.reversed()))
    let error = #expect(throws: (any Error).self) { try verify([folder.path("case.json")]) }
    #expect("\(try #require(error))".contains("another file than the case was made of"))
  }

  @Test("a case of an adapter is listed with its type")
  func adapterCase() throws {
    let folder = try TemporaryDirectory()
    try changed("hf_vit", to: folder.path("case.json")) { description in
      description["adapter"] = "case.adapter"
      description["peft_type"] = "LORA"
    }
    let skipped = try verify([folder.path("case.json")]).skipped
    #expect(skipped.map { "\($0.name) \($0.kind)" } == ["hf_vit LORA"])
  }

  /// A case's description with a change, written to `path`.
  private func changed(
    _ name: String, to path: String, _ change: (inout JSONObject) throws -> Void
  ) throws {
    var description = try #require(
      try JSONValue(contentsOf: Shared.path("fixtures/vit/\(name).json")).object)
    try change(&description)
    try Data(JSONValue.object(description).compactText.utf8).write(to: URL(fileURLWithPath: path))
  }
}
