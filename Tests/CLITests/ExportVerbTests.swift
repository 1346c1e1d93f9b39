import Foundation
import Formats
import TestSupport
import Testing

/// `export` of finished runs, and `inspect` of what it writes.
@Suite("Export and inspect")
struct ExportVerbTests {
  private struct Inspection: Decodable {
    struct Values: Decodable { let sha256: String, nan: Int, infinite: Int }
    struct Part: Decodable { let name: String, shape: [Int]?, values: Values? }
    struct Fact: Decodable { let name: String, value: String }
    let kind: String
    let facts: [Fact]
    let parts: [Part]
  }

  private func inspect(_ small: SmallRun, _ arguments: String...) async throws -> Inspection {
    let outcome = try await Binary.run(
      ["inspect"] + arguments + ["--json"], in: small.folder.url)
    try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    return try JSONDecoder().decode(Inspection.self, from: Data(outcome.standardOutput.utf8))
  }

  @Test("the merged model is written with an input and our output, once")
  func merged() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    let arguments = [
      "export", run, "-o", "ex", "--format", "safetensors", "--io", "io.safetensors",
    ]
    let done = try await Binary.run(arguments, in: small.folder.url)
    try #require(done.exitCode == 0, "\(done.standardError)")
    let trained = try await inspect(small, run + "/merged/model.safetensors", "--values")
    let exported = try await inspect(small, "ex", "--values")
    #expect(exported.parts.map(\.name) == trained.parts.map(\.name))
    #expect(exported.parts.map(\.values?.sha256) == trained.parts.map(\.values?.sha256))
    #expect(exported.parts.allSatisfy { $0.values?.nan == 0 && $0.values?.infinite == 0 })
    #expect(exported.facts.contains { $0.name == "looks like" && $0.value.hasPrefix("morph") })
    let io = try await inspect(small, "io.safetensors")
    #expect(io.parts.map(\.name).sorted() == ["input", "output"])
    #expect(io.parts.allSatisfy { $0.values == nil })
    let again = try await Binary.run(arguments, in: small.folder.url)
    #expect(again.exitCode == 73)
    #expect(again.standardError.contains("--force"))
    let forced = try await Binary.run(arguments + ["--force"], in: small.folder.url)
    #expect(forced.exitCode == 0)
  }

  @Test("formats that cannot hold the run are refused with 69", arguments: ["timm", "hf", "peft"])
  func refused(format: String) async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    let outcome = try await small.attune("export", run, "-o", "ex", "--format", format)
    #expect(outcome.exitCode == 69)
    #expect(outcome.standardError.contains("--format \(format)"), "\(outcome.standardError)")
    #expect(!FileManager.default.fileExists(atPath: small.folder.path("ex")))
  }

  @Test("an adapter is written under the names of the base program's modules")
  func adapter() async throws {
    let small = try await SmallRun()
    let recipe =
      SmallRun.recipe.replacing("freeze_backbone: false", with: "freeze_backbone: true")
      + "\nadapter: {method: lora, r: 2, target_modules: [attention]}\n"
    try small.folder.write(recipe, to: "recipe.yaml")
    let run = try await small.train()
    let done = try await small.attune("export", run, "-o", "ex", "--format", "peft")
    try #require(done.exitCode == 0, "\(done.standardError)")
    let found = try await inspect(small, "ex", "--values")
    #expect(found.kind == "adapter")
    #expect(found.parts.allSatisfy { $0.name.contains(".base.lora_") })
    let json = try JSONValue(contentsOf: small.folder.path("ex/adapter_config.json")).object
    #expect(
      json?["target_modules"]?.array?.allSatisfy { $0.string?.hasSuffix(".base") == true } == true)
  }

  @Test("inspect of a file larger than memory reads its header alone")
  func sparse() async throws {
    let small = try await SmallRun(trajectories: 0)
    let count = 1 << 38
    var header = Array(
      #"{"w":{"dtype":"F32","shape":[\#(count / 4)],"data_offsets":[0,\#(count)]}}"#.utf8)
    header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
    let path = small.folder.path("sparse.safetensors")
    try Data(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header)
      .write(to: URL(filePath: path))
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(8 + header.count + count))
    try handle.close()
    let found = try await inspect(small, "sparse.safetensors")
    #expect(found.parts.map(\.shape) == [[count / 4]])
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.size] as? Int == 8 + header.count + count)
  }

  @Test("inspect counts what is not finite")
  func notFinite() async throws {
    let small = try await SmallRun(trajectories: 0)
    let values: [Float] = [.nan, 1, .infinity, -.infinity]
    var builder = ZipBuilder()
    builder.add("w.npy", Array(NPYFile.encode(values, shape: [4])))
    try builder.data.write(to: URL(filePath: small.folder.path("w.npz")))
    let found = try await inspect(small, "w.npz", "--values")
    #expect(found.parts.first?.values?.nan == 1)
    #expect(found.parts.first?.values?.infinite == 2)
    #expect(found.facts.contains { $0.name == "format" && $0.value == "npz" })
  }
}
