import Foundation
import Launch
import TestSupport
import Testing

@Suite("The script of an array")
struct SlurmScriptTests {
  private func script(_ change: (inout SlurmScript) -> Void = { _ in }) -> SlurmScript {
    var script = SlurmScript(
      name: "attune-a b", resources: SlurmResources(), count: 3, limit: nil, retries: 2,
      program: "/opt/at tune", arguments: ["batch-task", "/data/out/slurm/1"])
    change(&script)
    return script
  }

  private func options(_ script: SlurmScript) -> [String] {
    script.text.split(separator: "\n").filter { $0.hasPrefix("#SBATCH ") }
      .map { String($0.dropFirst(8)) }
  }

  @Test("says what the recipe asks for, and nothing that it does not")
  func resources() {
    #expect(
      options(script()) == [
        "--job-name=attune-ab", "--array=0-2", "--output=%a.log", "--open-mode=append",
        "--signal=B:USR1@120", "--requeue",
      ])
    let full = script {
      $0.limit = 2
      $0.resources.partition = "gpu"
      $0.resources.minutes = 90
      $0.resources.memory = "32G"
      $0.resources.account = "a7"
      $0.resources.threads = 8
      $0.resources.nodes = 2
      $0.resources.ranksPerNode = 4
      $0.resources.lines = ["--exclusive", "#SBATCH --qos=long", "module load openmpi"]
    }
    #expect(
      options(full) == [
        "--job-name=attune-ab", "--array=0-2%2", "--output=%a.log", "--open-mode=append",
        "--signal=B:USR1@120", "--requeue", "--partition=gpu", "--time=90", "--mem=32G",
        "--account=a7", "--cpus-per-task=8", "--nodes=2", "--ntasks-per-node=4", "--exclusive",
        "--qos=long",
      ])
    let lines = full.text.split(separator: "\n")
    let last = lines.lastIndex { $0.hasPrefix("#SBATCH") } ?? 0
    #expect(lines.firstIndex(of: "module load openmpi").map { $0 > last } == true)
    #expect(full.text.contains("mpirun -n 8"))
    #expect(!script().text.contains("mpirun"))
  }

  @Test("warns in time before a short limit", arguments: [(1, 30), (3, 90), (4, 120), (600, 120)])
  func warning(minutes: Int, seconds: Int) {
    let short = script { $0.resources.minutes = minutes }
    #expect(options(short).contains("--signal=B:USR1@\(seconds)"))
  }

  /// Runs the script's task 1 with a program in the place of ours, and one in that of `scontrol`.
  private func run(
    _ program: String, retries: Int = 2, signal: Int32? = nil
  ) async throws -> (code: Int32, output: String, requeued: String) {
    let folder = try TemporaryDirectory()
    func tool(_ name: String, _ body: String) throws {
      try folder.write("#!/bin/bash\n" + body + "\n", to: name)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder.path(name))
    }
    try tool("program", program)
    try tool("scontrol", #"echo "$@" >"$REQUEUED""#)
    let text = script {
      $0.program = folder.path("program")
      $0.retries = retries
    }.text
    try folder.write(text, to: "array.sh")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    // The tests' threads block signals, and a shell cannot undo that.
    let unblocked = "use POSIX; sigprocmask(SIG_SETMASK, POSIX::SigSet->new); exec @ARGV"
    let started = try Program(
      URL(filePath: "/usr/bin/perl"), ["-e", unblocked, "/bin/bash", folder.path("array.sh")],
      environment: [
        "PATH": "\(folder.path):\(path)", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "1",
        "REQUEUED": folder.path("requeued"), "TRIES": folder.path("tries"),
      ], in: folder.url)
    if let signal {
      while !started.standardOutput.contains("ready") { usleep(20_000) }
      started.signal(signal)
    }
    let ended = try await started.outcome(within: .seconds(60))
    let requeued = try? String(contentsOfFile: folder.path("requeued"), encoding: .utf8)
    return (ended.exitCode, ended.standardOutput, requeued ?? "")
  }

  @Test("hands the task's number on and ends with the program's code")
  func ends() async throws {
    let done = try await run(#"echo "$@"; exit 78"#)
    #expect(done.code == 78)
    #expect(done.output == "batch-task /data/out/slurm/1 1 --threads 1\n")
    #expect(done.requeued.isEmpty)
  }

  @Test("starts a program again that crashed, as often as it is told")
  func crash() async throws {
    let count = #"echo x >>"$TRIES"; [ "$(wc -l <"$TRIES")" -gt 2 ] || kill -KILL $$; echo done"#
    let mended = try await run(count)
    #expect(mended.code == 0 && mended.output.hasSuffix("done\n"))
    let given = try await run(count, retries: 1)
    #expect(given.code == 137)
  }

  /// A program that saves and ends when it is told to.
  private static let patient =
    #"trap 'exit 75' USR1 TERM; echo ready; while :; do sleep 0.05; done"#

  @Test("has Slurm queue the task again when its time is up")
  func timeIsUp() async throws {
    let stopped = try await run(Self.patient, signal: SIGUSR1)
    #expect(stopped.code == 75)
    #expect(stopped.requeued == "requeue 7_1\n")
  }

  @Test("leaves a task that was cancelled alone")
  func cancelled() async throws {
    let stopped = try await run(Self.patient, signal: SIGTERM)
    #expect(stopped.code == 75)
    #expect(stopped.requeued.isEmpty)
  }
}
