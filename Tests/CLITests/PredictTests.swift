import Foundation
import Formats
import TestSupport
import Testing

/// Predictions in each layout against the rollout that `train` measured.
@Suite("Predictions by layout")
struct PredictTests {
  enum Layout: CaseIterable {
    /// `tensor` `[n, t, x]`.
    case tensor
    /// `0000/data` `[t, y, x, c]`, two scalar fields.
    case grouped
    /// `solution` `[n, t, c, x, y]`, one vector.
    case channelsFirst
  }

  @Test("what is written is the run's own rollout", arguments: Layout.allCases)
  func rollout(layout: Layout) async throws {
    let small = try await SmallRun(trajectories: 0)
    try small.folder.write(recipe(layout), to: "recipe.yaml")
    try await makeData(layout, in: small)
    let run = try await small.train()
    let done = try await small.attune("predict", run, "data.hdf5", "-o", "p", "--steps", "3")
    try #require(done.exitCode == 0, "\(done.standardError)")
    let predicted = try HDF5File(reading: small.folder.path("p/data_prediction.hdf5"))
    let truth = try HDF5File(reading: small.folder.path("data.hdf5"))

    struct Record: Decodable {
      struct Evaluation: Decodable {
        let unitIdentifiers: [String]
        let perUnit: [String: [Double]]
      }
      let evaluations: [Evaluation]
    }
    let record = try JSONDecoder().decode(
      Record.self, from: Data(contentsOf: URL(filePath: run + "/record.json")))
    let evaluation = try #require(record.evaluations.first)
    for (unit, identifier) in evaluation.unitIdentifiers.enumerated() {
      let number = try #require(identifier.split(separator: "#").last.flatMap { Int($0) })
      let p = try frames(0..<3, of: number, in: predicted, layout)
      let y = try frames(2..<5, of: number, in: truth, layout)
      try #require(p.count == y.count)
      let square = zip(p, y).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
      let power = y.reduce(0) { $0 + pow(Double($1), 2) } + 1e-7 * Double(y.count)
      let expected = try #require(evaluation.perUnit["nRMSE_rollout"]?[unit])
      #expect(abs((square / power).squareRoot() - expected) < 1e-5 * max(1, expected))
    }
  }

  private func frames(
    _ range: Range<Int>, of number: Int, in file: HDF5File, _ layout: Layout
  ) throws -> [Float] {
    switch layout {
    case .tensor:
      try file.dataset("tensor").readFloats(
        start: [number, range.lowerBound, 0], count: [1, range.count, 32])
    case .grouped:
      try file.dataset(String(format: "%04d/data", number)).readFloats(
        start: [range.lowerBound, 0, 0, 0], count: [range.count, 16, 16, 2])
    case .channelsFirst:
      try file.dataset("solution").readFloats(
        start: [number, range.lowerBound, 0, 0, 0], count: [1, range.count, 2, 16, 16])
    }
  }

  private func recipe(_ layout: Layout) -> String {
    let plane = SmallRun.recipe.replacing("[1, 1, 8]", with: "[1, 8, 8]")
    return switch layout {
    case .tensor: SmallRun.recipe
    case .grouped: plane.replacing("max_fields: 1", with: "max_fields: 2")
    case .channelsFirst:
      plane.replacing("max_components: 1", with: "max_components: 2")
        .replacing("format: pdebench", with: "format: pdegym")
    }
  }

  private func makeData(_ layout: Layout, in small: SmallRun) async throws {
    switch layout {
    case .tensor: try await small.makeData("data.hdf5", trajectories: 8)
    case .grouped:
      let made = try await small.attune(
        "data", "make", "pde", "fitzhugh-nagumo", "-o", "data.hdf5", "--trajectories", "8",
        "--grid",
        "16", "--frames", "6", "-q")
      try #require(made.exitCode == 0, "\(made.standardError)")
    case .channelsFirst:
      let shape = [8, 6, 2, 16, 16]
      let writer = try HDF5Writer(path: small.folder.path("data.hdf5"))
      try writer.writeDataset(
        "solution", shape: shape,
        values: (0..<shape.reduce(1, *)).map { 2 * sinf(Float($0) / 37) + cosf(Float($0) / 500) })
      try writer.finish()
    }
  }
}
