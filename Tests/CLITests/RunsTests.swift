import Foundation
import TestSupport
import Testing

/// `RunsCommand`.
@Suite("The table of runs")
struct RunsTests {
  private struct Run: Decodable {
    let folder: String
    let state: String
    let seed: Int?
    let method: String?
    let value: Double?
  }

  private func runs(_ sweep: SmallSweep, _ arguments: String...) async throws -> [Run] {
    let ended = try await Binary.run(
      ["runs", "out", "--json"] + arguments, in: sweep.folder.url)
    try #require(ended.exitCode == 0, "\(ended.standardError)")
    return try JSONDecoder().decode([Run].self, from: Data(ended.standardOutput.utf8))
  }

  @Test("holds every run below the folder, those that failed too, by conditions and in order")
  func table() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1, 2]}")
    _ = try await sweep.batch("--jobs", "2")
    let failed = try await sweep.small.attune(
      "train", "recipe.yaml", "-q", "--set", "~sweep", "--set", "train.optimizer.lr=1e30")
    #expect(failed.exitCode == 1, "\(failed.standardError)")
    let all = try await runs(sweep)
    #expect(all.count == 4)
    #expect(Set(all.map(\.method)) == ["none"])
    #expect(try await runs(sweep, "--where", "state=failed").map(\.value) == [nil])
    let sorted = try await runs(sweep, "--sort", "test/VRMSE", "--where", "state=finished")
    let values = sorted.compactMap(\.value)
    #expect(values.count == 3)
    #expect(values == values.sorted())
    let largest = try await runs(sweep, "--sort", "-value", "--where", "VRMSE>0")
    #expect(largest.map(\.folder) == sorted.map(\.folder).reversed())
    let one = try await runs(
      sweep, "--where", "seed>=1", "--where", "seed!=2", "--where", "state=finished")
    #expect(one.map(\.seed) == [1])
    let table = try await sweep.small.attune("runs", "out", "--where", "seed=1")
    let lines = table.standardOutput.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].hasPrefix("state     task  method  model  metric      value"))
    #expect(lines[1].hasPrefix("finished  pde   none    morph  test/VRMSE  "))
    #expect(lines[1].contains("  out/small/"))
  }

  @Test("follows the folders: what changes, goes or is damaged is seen at once")
  func index() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    _ = try await sweep.batch("--jobs", "2")
    let before = try await runs(sweep)
    #expect(before.map(\.state) == ["finished", "finished"])
    let status = before[0].folder + "/status.json"
    let text = try String(contentsOfFile: status, encoding: .utf8)
    try text.replacing("\"finished\"", with: "\"running\"")
      .write(toFile: status, atomically: true, encoding: .utf8)
    try FileManager.default.removeItem(atPath: before[1].folder)
    #expect(try await runs(sweep).map(\.state) == ["interrupted"])
    try sweep.folder.write(String(repeating: "no database", count: 99), to: "out/attune.sqlite")
    #expect(try await runs(sweep).map(\.state) == ["interrupted"])
  }

  @Test("says which columns there are when it is asked for another")
  func unknown() async throws {
    let sweep = try await SmallSweep()
    let missing = try await sweep.small.attune("runs", "out")
    #expect(missing.exitCode == 66)
    try sweep.folder.write("", to: "out/x")
    for arguments in [["--where", "metod=lora"], ["--sort", "metod"]] {
      let ended = try await Binary.run(["runs", "out"] + arguments, in: sweep.folder.url)
      #expect(ended.exitCode == 64)
      #expect(ended.standardError.contains("did you mean method"), "\(ended.standardError)")
    }
    let noNumber = try await sweep.small.attune("runs", "out", "--where", "seed<few")
    #expect(noNumber.exitCode == 64)
    #expect(try await sweep.small.attune("runs", "out").standardOutput == "no runs\n")
  }
}
