/// The script of an array whose tasks each run one job of this program.
package struct SlurmScript {
  package var name: String
  package var resources: SlurmResources
  /// Of the array: its tasks are numbered from 0.
  package var count: Int
  /// Tasks that run at the same time at most; nil for all that fit.
  package var limit: Int?
  /// Further attempts of a task after a crash, or an error of reading or writing.
  package var retries: Int
  /// Path of the program.
  package var program: String
  /// Its arguments, before the number of the task.
  package var arguments: [String]

  package init(
    name: String, resources: SlurmResources, count: Int, limit: Int?, retries: Int,
    program: String, arguments: [String]
  ) {
    self.name = name
    self.resources = resources
    self.count = count
    self.limit = limit
    self.retries = retries
    self.program = program
    self.arguments = arguments
  }

  /// The script as `sbatch` reads it; its output goes to `<task>.log` where it is submitted from.
  package var text: String {
    let commands = resources.lines.filter { !Self.isOption($0) }
    return (["#!/bin/bash"] + options.map { "#SBATCH \($0)" } + commands + [work]).joined(
      separator: "\n")
  }

  private static func isOption(_ line: String) -> Bool {
    line.hasPrefix("-") || line.hasPrefix("#SBATCH")
  }

  private var options: [String] {
    let array = "0-\(count - 1)" + (limit.map { "%\($0)" } ?? "")
    var options = [
      "--job-name=\(name.filter { !$0.isWhitespace })", "--array=\(array)", "--output=%a.log",
      "--open-mode=append", "--signal=B:USR1@\(resources.warningSeconds)", "--requeue",
    ]
    func add(_ option: String, _ value: String?) {
      if let value { options.append("--\(option)=\(value)") }
    }
    add("partition", resources.partition)
    add("time", resources.minutes.map(String.init))
    add("mem", resources.memory)
    add("account", resources.account)
    add("cpus-per-task", resources.threads.map(String.init))
    if resources.ranks > 1 {
      add("nodes", "\(resources.nodes)")
      add("ntasks-per-node", "\(resources.ranksPerNode)")
    }
    return options
      + resources.lines.filter(Self.isOption).map {
        $0.hasPrefix("#SBATCH") ? String($0.dropFirst(7)).trimmed : $0
      }
  }

  /// Starts the program, passes signals on, starts it again after a crash, and has Slurm queue the
  /// task again where its time was up.
  private var work: String {
    let command = ([program] + arguments).map(shellQuoted).joined(separator: " ")
    let launch = resources.ranks > 1 ? "\"${launch[@]}\" " : ""
    return """
      \(resources.ranks > 1 ? Self.launch(resources.ranks) : "")
      # Slurm warns this shell alone (B:), so it passes the signal on and waits.
      child= timely= cancelled=
      trap 'timely=1; kill -USR1 "$child"' USR1
      trap 'cancelled=1; kill -TERM "$child"' TERM INT
      tries=0
      while :; do
        \(launch)\(command) \\
          "$SLURM_ARRAY_TASK_ID" --threads "${SLURM_CPUS_PER_TASK:-1}" &
        child=$!
        wait "$child"
        code=$?
        while [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null; do
          wait "$child"
          code=$?
        done
        if [ -n "$timely$cancelled" ] || [ "$tries" -ge \(retries) ]; then break; fi
        case $code in
        70 | 74 | 13[1-9]) tries=$((tries + 1)) ;;
        *) break ;;
        esac
        echo "ended with code $code: trying again"
      done
      if [ "$code" = 75 ] && [ -z "$cancelled" ]; then
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
      fi
      exit "$code"

      """
  }

  /// How the processes of one task are started.
  private static func launch(_ ranks: Int) -> String {
    """

    # Processes of one task talk by MPI: by Slurm's own start where it knows PMIx.
    if srun --mpi=list 2>&1 | grep -q pmix; then
      launch=(srun --mpi=pmix)
    else
      launch=(mpirun -n \(ranks))
    fi
    """
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

/// An argument as a shell reads it back.
package func shellQuoted(_ text: String) -> String {
  let plain = text.allSatisfy {
    $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,@+%".contains($0))
  }
  return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}
