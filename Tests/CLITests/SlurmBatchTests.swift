import Foundation
import TestSupport
import Testing

/// `BatchTaskCommand`, and `batch --slurm` with stand-ins for Slurm's programs.
@Suite("Batches by Slurm")
struct SlurmBatchTests {
  /// A sweep in a folder with an `sbatch` that runs all tasks at once, a `squeue` that says what stands
  /// in `held`, and a `scancel` that writes down its arguments.
  struct Cluster {
    let sweep: SmallSweep
    let environment: [String: String]

    init(runsTasks: Bool = true) async throws {
      sweep = try await SmallSweep("{seeds: [0, 1]}")
      let folder = sweep.folder
      let run = """
        for task in $(seq 0 "$(sed -n 's/.*--array=0-\\([0-9]*\\).*/\\1/p' "$script")"); do
          SLURM_ARRAY_JOB_ID=$number SLURM_ARRAY_TASK_ID=$task bash "$script" >"$task.log" 2>&1
        done
        """
      try Self.tool(
        "sbatch", in: folder,
        """
        cd "${2#--chdir=}"
        script=$3
        number=$(($(cat '\(folder.path("number"))' 2>/dev/null || echo 40) + 1))
        echo $number >'\(folder.path("number"))'
        \(runsTasks ? run : "")
        echo "$number;cluster"
        """)
      try Self.tool("squeue", in: folder, "cat '\(folder.path("held"))' 2>/dev/null; exit 0")
      try Self.tool("scancel", in: folder, "echo \"$@\" >>'\(folder.path("cancelled"))'")
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      environment = ["PATH": "\(folder.path("bin")):\(path)"]
    }

    private static func tool(_ name: String, in folder: TemporaryDirectory, _ body: String) throws {
      try FileManager.default.createDirectory(
        atPath: folder.path("bin"), withIntermediateDirectories: true)
      try folder.write("#!/bin/bash\n\(body)\n", to: "bin/\(name)")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder.path("bin/\(name)"))
    }

    func attune(_ arguments: String...) async throws -> Program.Outcome {
      try await Binary.run(arguments, environment: environment, in: sweep.folder.url)
    }
  }

  @Test("run as tasks of an array, whose states the queue shows")
  func runs() async throws {
    let cluster = try await Cluster()
    let submitted = try await cluster.attune("batch", "recipe.yaml", "--slurm")
    #expect(submitted.exitCode == 0, "\(submitted.standardError)")
    #expect(submitted.standardOutput.hasPrefix("job 41: 2 tasks, "))
    #expect(submitted.standardOutput.contains("attune queue status -o "))
    let status = try await cluster.attune("queue", "status", "-o", "out")
    let lines = status.standardOutput.split(separator: "\n")
    #expect(lines.count == 3, "\(status.standardOutput)")
    #expect(lines[0].hasPrefix("41_0 small seed=0 finished: test/VRMSE "))
    #expect(lines[1].hasPrefix("41_1 small seed=1 finished: test/VRMSE "))
    #expect(lines[2] == "2 jobs: 2 finished")
    #expect(try cluster.sweep.results().count == 2)
    // What is finished takes a task that sees it.
    _ = try await cluster.attune("batch", "recipe.yaml", "--slurm")
    let again = try await cluster.attune("queue", "status", "-o", "out")
    #expect(again.standardOutput.contains("42_0 small seed=0 was finished before"))
  }

  @Test("are left to Slurm while it holds them, and submitted again once it does not")
  func held() async throws {
    let cluster = try await Cluster(runsTasks: false)
    _ = try await cluster.attune("batch", "recipe.yaml", "--slurm")
    try cluster.sweep.folder.write(
      "41_0|RUNNING|None\n41_1|PENDING|Resources\n7_3|RUNNING|None\n", to: "held")
    let status = try await cluster.attune("queue", "status", "-o", "out")
    #expect(status.standardOutput.contains("41_0 small seed=0 running\n"))
    #expect(status.standardOutput.contains("41_1 small seed=1 waits: PENDING: Resources\n"))
    let again = try await cluster.attune("batch", "recipe.yaml", "--slurm")
    #expect(again.standardOutput.contains("2 runs are with Slurm since an earlier batch"))
    #expect(!again.standardOutput.contains("job 42"))

    let cancelled = try await cluster.attune("queue", "cancel", "41_1", "-o", "out")
    #expect(cancelled.standardOutput.contains("1 jobs changed"))
    #expect(
      try String(contentsOfFile: cluster.sweep.folder.path("cancelled"), encoding: .utf8)
        == "41_1\n")
    try cluster.sweep.folder.write("41_0|RUNNING|None\n", to: "held")
    let over = try await cluster.attune("queue", "status", "41_1", "-o", "out")
    #expect(over.standardOutput.contains("41_1 small seed=1 cancelled"))
    let retried = try await cluster.attune("queue", "retry", "-o", "out")
    #expect(retried.standardOutput.contains("1 jobs changed"), "\(retried.standardError)")
    #expect(retried.standardOutput.contains("42_0 small seed=1 cancelled"))
  }

  @Test("print their script, and refuse where there is no Slurm, writing nothing")
  func refusal() async throws {
    let cluster = try await Cluster()
    let folder = cluster.sweep.folder
    let shown = try await cluster.attune(
      "batch", "recipe.yaml", "--slurm", "--dry-run", "--jobs", "5", "--set",
      "distributed.slurm={partition: long, time: 60}")
    #expect(shown.standardOutput.contains("#SBATCH --array=0-1%5\n"))
    #expect(shown.standardOutput.contains("#SBATCH --partition=long\n#SBATCH --time=60\n"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    let none = try await Binary.run(
      ["batch", "recipe.yaml", "--slurm"], environment: ["PATH": folder.path("nowhere")],
      in: folder.url)
    #expect(none.exitCode == 69)
    #expect(none.standardError.contains("sbatch: no such program"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    let wrong = try await cluster.attune("queue", "cancel", "x", "-o", "out")
    #expect(wrong.exitCode == 64)
  }
}
