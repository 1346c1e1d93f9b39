import Foundation
import TestSupport
import Testing

private let mpirun = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  .map { "\($0)/mpirun" }.first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite("Training under mpirun", .enabled(if: mpirun != nil, "Open MPI's mpirun is not installed"))
struct MPIRunTests {
  private func attune(
    ranks: Int, _ arguments: [String], in folder: URL
  ) async throws -> Program.Outcome {
    let launcher = try #require(mpirun)
    return try await Program(
      URL(filePath: launcher),
      ["--oversubscribe", "-n", "\(ranks)", Binary.url.path] + arguments,
      environment: ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"],
      in: folder
    ).outcome(within: .seconds(120))
  }

  private func losses(_ folder: TemporaryDirectory, _ output: String) throws -> [Double] {
    struct Step: Decodable { let loss: Double }
    let root = folder.path("\(output)/small")
    let run = try #require(
      try FileManager.default.contentsOfDirectory(atPath: root).first { $0.contains("-s") })
    return try String(contentsOfFile: "\(root)/\(run)/steps.jsonl", encoding: .utf8)
      .split(separator: "\n").dropFirst().map {
        try JSONDecoder().decode(Step.self, from: Data($0.utf8)).loss
      }
  }

  @Test("takes the steps of one process and speaks once")
  func equality() async throws {
    let small = try await SmallRun()
    try await small.train()
    let ended = try await attune(
      ranks: 3,
      [
        "train", "recipe.yaml", "-o", "ranked", "--set", "distributed.ranks_per_node=2",
        "--set", "data.batch_size=4", "--json", "-q",
      ], in: small.folder.url)
    #expect(ended.exitCode == 0, "\(ended.standardError)")
    struct Summary: Decodable { let directory: String }
    // One object alone: the other ranks are silent.
    _ = try JSONDecoder().decode(Summary.self, from: Data(ended.standardOutput.utf8))
    let (one, three) = (try losses(small.folder, "out"), try losses(small.folder, "ranked"))
    #expect(one.count == 6 && three.count == 6)
    for (a, b) in zip(one, three) { #expect(abs(a - b) < 1e-5 * abs(a)) }
  }

  @Test("is timed by the benchmark of ranks, which prints once")
  func benchmark() async throws {
    // `RanksBenchmark`.
    let folder = try TemporaryDirectory()
    let ended = try await attune(
      ranks: 2,
      [
        "bench", "ranks", "--model", "vit_tiny_patch16_224", "--batch", "1", "--steps", "1",
        "--json",
      ],
      in: folder.url)
    #expect(ended.exitCode == 0, "\(ended.standardError)")
    struct Result: Decodable {
      struct Sum: Decodable {
        let bytes: Int
        let seconds: Double
      }
      let ranks: Int
      let gradient_bytes: Int
      let sent_bytes: Int
      let trainable_parameters: Int
      let sums: [Sum]
    }
    let result = try JSONDecoder().decode(Result.self, from: Data(ended.standardOutput.utf8))
    #expect(result.ranks == 2 && result.gradient_bytes == 4 * result.trainable_parameters)
    #expect(result.sent_bytes == result.gradient_bytes)
    #expect(result.sums.count == 4 && result.sums.allSatisfy { $0.seconds > 0 })
  }

  @Test("tells an error once and ends with its code")
  func refusal() async throws {
    let small = try await SmallRun(trajectories: 0)
    let ended = try await attune(ranks: 2, ["train", "recipe.yaml"], in: small.folder.url)
    #expect(ended.exitCode == 66)
    #expect(ended.standardError.components(separatedBy: "data.hdf5").count == 2)
    #expect(!FileManager.default.fileExists(atPath: small.folder.path("out")))
  }
}
