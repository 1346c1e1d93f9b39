import Datasets
import Foundation
import TestSupport
import Tensors
import Testing

/// A raw file, how to read it, and what the reference loader makes of it.
struct LoaderCase: Sendable, CustomTestStringConvertible {
  let file: String
  let format: any TrajectoryFormat.Type
  var fields: [FieldRequest]?
  var output = "output.uptf7"

  var testDescription: String { file }

  static let all = [
    LoaderCase(file: "be1d.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "dr1d.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "cfd1d.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "cfd2d.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "cfd2dic.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "cfd3d.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "dr2d.h5", format: PDEBenchFormat.self),
    LoaderCase(file: "sw2d.h5", format: PDEBenchFormat.self),
    LoaderCase(
      file: "mhd.h5", format: TheWellFormat.self,
      fields: ["magnetic_field", "velocity", "density"].map { FieldRequest($0) }),
    LoaderCase(file: "gsdr.h5", format: TheWellFormat.self),
    LoaderCase(
      file: "tgc.h5", format: TheWellFormat.self,
      fields: ["velocity", "density", "temperature"].map { FieldRequest($0) }),
    LoaderCase(file: "ce.h5", format: PDEGymFormat.self),
    LoaderCase(file: "fnskf.h5", format: PDEGymFormat.self),
    LoaderCase(file: "ns.h5", format: PDEGymFormat.self),
    LoaderCase(
      file: "pdegym_solution.nc", format: PDEGymFormat.self, output: "output.uptf7_loader"),
    LoaderCase(
      file: "pdegym_solution.nc", format: PDEGymFormat.self,
      fields: [FieldRequest("u"), FieldRequest("v")], output: "output.uptf7_reshape_F2_C1"),
  ]
}

@Suite(
  "Readers against the reference loaders", .enabled(if: Shared.isPresent, "../shared is absent"))
struct ReaderFixtureTests {
  @Test("gives the reference's tensor exactly", arguments: LoaderCase.all)
  func agrees(_ example: LoaderCase) throws {
    let stem = example.file.prefix { $0 != "." }
    let expected = try FixtureTensors("fixtures/morph/loaders/\(stem).expected.safetensors")[
      example.output]
    let file = try TrajectoryFile(
      path: Shared.path("fixtures/morph/loaders/\(example.file)"), label: example.file,
      format: example.format, selecting: example.fields)
    #expect([file.trajectoryCount, file.frameCount] + file.frameShape == expected.shape)
    let perTrajectory = expected.values.count / file.trajectoryCount
    let perFrame = perTrajectory / file.frameCount
    for trajectory in 0..<file.trajectoryCount {
      let start = trajectory * perTrajectory
      let whole = try file.read(trajectory, frames: 0..<file.frameCount)
      #expect(
        whole.elements(as: Float.self) == Array(expected.values[start..<start + perTrajectory]))
      let last = file.frameCount - 1
      let part = try file.read(trajectory, frames: last..<last + 1)
      #expect(
        part.elements(as: Float.self)
          == Array(expected.values[start + last * perFrame..<start + perTrajectory]))
    }
    Parity.passed("morph/loaders/\(stem)-\(example.output)")
  }
}
