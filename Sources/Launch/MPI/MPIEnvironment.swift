internal import Foundation
package import Recipes

/// How this process was started, as those who start ranks tell it by environment variables.
package struct MPIEnvironment: Sendable, Equatable {
  /// Processes of the job.
  package var count: Int
  /// Processes of the job on this machine.
  package var localCount: Int

  /// Nil where nobody started several ranks.
  ///
  /// - Throws: `MPIError.foreign` for ranks of another MPI than Open MPI, since each would run alone.
  package init?(
    _ variables: [String: String] = ProcessInfo.processInfo.environment
  ) throws(MPIError) {
    func number(_ name: String) -> Int? { variables[name].flatMap { Int($0) } }
    if let count = number("OMPI_COMM_WORLD_SIZE") {
      guard count > 1 else { return nil }
      self.count = count
      localCount = number("OMPI_COMM_WORLD_LOCAL_SIZE") ?? count
    } else if variables["PMIX_RANK"] != nil, let count = number("SLURM_STEP_NUM_TASKS") {
      guard count > 1 else { return nil }
      self.count = count
      // As `2(x3),1`: tasks on each node.
      let perNode = variables["SLURM_STEP_TASKS_PER_NODE"] ?? ""
      localCount = Int(perNode.prefix { $0.isNumber }) ?? count
    } else if let count = number("PMI_SIZE"), count > 1 {
      throw .foreign(count: count)
    } else {
      return nil
    }
  }

  /// Threads of one rank where nobody says: those it is bound to, or its share of the machine's.
  package var threads: Int {
    let available = ProcessInfo.processInfo.activeProcessorCount
    let isBound = available < ProcessInfo.processInfo.processorCount
    return isBound ? available : max(1, available / max(1, localCount))
  }
}

/// Why ranks cannot work together.
package enum MPIError: ExitCoded, Equatable {
  case foreign(count: Int)
  case noLibrary(tried: [String])
  case unusable(library: String, reason: String)

  package var exitCode: ExitCode { .unavailable }
}

extension MPIError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .foreign(let count):
      "started as one of \(count) processes by an MPI other than Open MPI, whose library is not known "
        + "here. Start them by Open MPI's mpirun, or by srun --mpi=pmix"
    case .noLibrary(let tried):
      "started as one of several processes, but Open MPI's library cannot be opened (tried "
        + tried.joined(separator: ", ")
        + "). Install it (Debian: openmpi-bin), or name its folder in "
        + "LD_LIBRARY_PATH"
    case .unusable(let library, let reason): "\(library): \(reason)"
    }
  }
}
