import Attune
import Checkpoints
import Foundation
import TestSupport
import Tensors
import Testing

@Suite("NAFNet beside its reference", .enabled(if: Shared.isPresent, "../shared is absent"))
struct NAFNetParityTests {
  /// Of the cases' README: single against double precision differs by 7e-6 on the output.
  private static let tolerance = 2e-5

  @Test("whole models", arguments: Fixture.all(in: "nafnet"))
  func wholeModel(fixture: Fixture) throws {
    let report = try verify([fixture.json.path], tolerance: Self.tolerance)
    #expect(report.passed == 1 && report.failed == 0, "\(report.cases)")
    #expect(report.cases.allSatisfy { $0.missing == 0 && $0.compared > 90 })
    Parity.passed(fixture.name)
  }

  @Test("a kernel that is wrong by a thousandth is noticed")
  func wrongWeight() throws {
    let fixture = try #require(Fixture.all(in: "nafnet") { $0 == "nafnet_w8_exact" }.first)
    let folder = try TemporaryDirectory()
    let file = try SafetensorsFile(path: fixture.tensors.path)
    let tensors = try file.names.map { name in
      let tensor = try file.tensor(name)
      let isWrong = name == "weight.middle_blks.0.sca.1.weight"
      return (name: name, tensor: isWrong ? tensor.scaled(by: 1.001) : tensor)
    }
    try writeSafetensors(tensors, to: folder.path("case.safetensors"))
    let json = folder.path("case.json")
    try FileManager.default.copyItem(atPath: fixture.json.path, toPath: json)
    #expect(try verify([json]).failed == 1)
  }
}
