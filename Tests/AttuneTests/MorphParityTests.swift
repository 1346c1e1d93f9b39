import Attune
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("MORPH beside its reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct MorphParityTests {
  @Test("whole models", arguments: Fixture.all(in: "morph") { $0.hasPrefix("m") })
  func wholeModel(fixture: Fixture) throws {
    let report = try verify([fixture.json.path])
    #expect(report.passed == 1 && report.failed == 0, "\(report.cases)")
    #expect(report.cases.allSatisfy { $0.missing == 0 && $0.compared > 2 })
    Parity.passed(fixture.name)
  }

  @Test("a matrix that is wrong by a thousandth is noticed")
  func wrongWeight() throws {
    let fixture = try #require(Fixture.all(in: "morph") { $0 == "m03_2d_2fields_p4" }.first)
    let folder = try TemporaryDirectory()
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let tensors = try file.names.map { name in
      let tensor = try file.tensor(name)
      let isWrong = name == "weight.transformer_blocks.0.mlp.0.base.weight"
      return (name: name, tensor: isWrong ? tensor.scaled(by: 1.001) : tensor)
    }
    try writeSafetensors(tensors, to: folder.path("case.safetensors"))
    let json = folder.path("case.json")
    try FileManager.default.copyItem(atPath: fixture.json.path, toPath: json)
    #expect(try verify([json]).failed == 1)
  }

  @Test("rollouts", arguments: Fixture.all(in: "morph") { $0.contains("_rollout_") })
  func rollout(fixture: Fixture) throws {
    let description = try #require(try JSONValue(contentsOf: fixture.json.path).object)
    let steps = try #require(description["steps"]?.integer)
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let model = try caseModel(description, fixture.name) { try file.tensor("weight." + $0) }
    let (x, expected) = (try file.tensor("input.x"), try file.tensor("output.rollout"))
    let predictor = PDEPredictor(inputFrames: x.shape[1], rolloutSteps: steps)
    for sample in 0..<x.shape[0] {
      let window = x.sliced(axis: 0, sample..<(sample + 1)).reshaped(to: Array(x.shape[1...]))
      let frames = predictor.rolledOut(window) { input in
        model.backbone(BackboneInput(input), .evaluation).prediction ?? input
      }
      let truth = expected.sliced(axis: 0, sample..<(sample + 1))
      #expect(frames.largestDifference(from: truth.reshaped(to: frames.shape)) <= 2e-6)
    }
    Parity.passed(fixture.name)
  }

  @Test("a prediction from a .pth whose keys begin with module.")
  func checkpointContainer() throws {
    let name = "morph/c17_checkpoint_container_module_prefix"
    let description = try #require(
      try JSONValue(contentsOf: Shared.path("fixtures/\(name).json")).object)
    let source = try openCheckpoint(Shared.path("fixtures/\(name).pth"))
      .strippingCommonPrefix("module.")
    let model = try caseModel(description, name) { try source.tensor($0) }
    let expected = try SafetensorsFile(path: Shared.path("fixtures/\(name).expected.safetensors"))
    let prediction = try #require(
      model.backbone(BackboneInput(try expected.tensor("input.x")), .evaluation).prediction)
    #expect(prediction.largestDifference(from: try expected.tensor("output.pred")) <= 2e-6)
    Parity.passed(name)
  }
}

/// The model of a case with its weights.
func caseModel(
  _ description: JSONObject, _ name: String, weights: (String) throws -> Tensor
) throws -> MorphCaseModel {
  let model = try MorphCaseModel(try #require(description["config"]?.object), name: name)
  try model.load(weights)
  return model
}
