/// What one job asks of Slurm; jobs that ask for the same share an array.
package struct SlurmResources: Hashable, Sendable {
  package var partition: String?
  /// Limit of the whole job.
  package var minutes: Int?
  /// As `sbatch --mem` takes it.
  package var memory: String?
  package var account: String?
  /// Further lines: what begins with `-` is an option of `sbatch`, other lines are shell commands that
  /// run before the program.
  package var lines: [String] = []
  /// Processors of each process; nil leaves it to Slurm.
  package var threads: Int?
  package var nodes = 1
  /// Processes of one job on each node.
  package var ranksPerNode = 1

  package init() {}

  package var ranks: Int { nodes * ranksPerNode }

  /// Seconds before the limit at which the program is told to save: two minutes, or half of a short
  /// limit.
  var warningSeconds: Int { min(120, (minutes ?? .max / 60) * 60 / 2) }
}
