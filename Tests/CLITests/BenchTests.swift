import Foundation
import Formats
import TestSupport
import Testing

/// The verb `bench`: what it prints and what it refuses.
@Suite("Bench verb")
struct BenchVerbTests {
  private static let small = [
    "bench", "vit-lora", "--model", "vit_tiny_patch16_224", "--image-size", "32", "--batch", "2",
    "--steps", "2",
  ]

  @Test("a small step has the keys of the comparison scripts and our own, and allocates nothing")
  func json() async throws {
    let outcome = try await Binary.run(Self.small + ["--json"])
    try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    let result = try #require(
      try Array(outcome.standardOutput.utf8).withUnsafeBytes {
        try JSONValue(parsing: $0, path: "standard output").object
      })
    for key in [
      "engine", "model", "mode", "batch", "rank", "threads", "precision", "compiled", "tuned",
      "median_step_s", "min_step_s", "images_per_s", "import_and_warmup_s", "peak_rss_mb",
      "adapted_modules", "trainable_parameters", "merged", "ceiling_gflops", "work_gflop",
      "share_of_ceiling", "system_allocations_after_warmup", "instruction_set", "libraries",
    ] {
      #expect(result[key] != nil, "\(key)")
    }
    #expect(result["engine"]?.string?.hasPrefix("attune ") == true)
    #expect(result["model"]?.string == "vit_tiny_patch16_224")
    #expect(result["batch"]?.integer == 2)
    #expect(result["rank"]?.integer == 8)
    #expect(result["system_allocations_after_warmup"]?.integer == 0)
    let median = try #require(result["median_step_s"]?.number)
    #expect(abs((result["images_per_s"]?.number ?? 0) * median - 2) < 1e-9)
    #expect((result["peak_rss_mb"]?.number ?? 0) > 20)
    #expect((result["import_and_warmup_s"]?.number ?? 0) > median)
  }

  @Test("the table fits into 80 columns")
  func table() async throws {
    let outcome = try await Binary.run(Self.small + ["--mode", "infer", "--threads", "2"])
    try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(outcome.standardOutput.contains("share of ceiling"))
    #expect(outcome.standardOutput.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test(
    "a wrong command line ends with 64 and names the option",
    arguments: [
      (["vit-lra"], "vit-lora"), (["vit-lora", "--size", "Ti"], "size: unknown key"),
      (["vit-lora", "--batch", "0"], "batch: expected"), (["lola", "--size", "huge"], "size"),
      (["morph", "--shape", "1,2"], "time, fields, components"),
      (["vit-lora", "--model", "vit_tny_patch16_224"], "vit_tiny_patch16_224"),
      (["vit-lora", "--image-size", "100"], "patch_size"),
      (["morph", "--shape", "1,1,5,1,1,16"], "max_components"),
    ])
  func refused(arguments: [String], text: String) async throws {
    let outcome = try await Binary.run(["bench"] + arguments)
    #expect(outcome.exitCode == 64, "\(outcome.standardError)")
    #expect(outcome.standardError.contains(text), "\(outcome.standardError)")
    #expect(outcome.standardError.split(separator: "\n").count == 1)
  }
}
