internal import Foundation
package import Recipes

/// Slurm's own programs, as this machine has them.
package enum Slurm {
  /// One task of an array that Slurm still holds.
  package struct Task: Sendable, Equatable {
    /// `12_3`.
    package var id: String
    /// In the words of `squeue`, such as `PENDING` and `RUNNING`.
    package var state: String
    /// Why it waits.
    package var reason: String

    package init(id: String, state: String, reason: String) {
      self.id = id
      self.state = state
      self.reason = reason
    }
  }

  /// Whether `sbatch` is there.
  package static var isAvailable: Bool { path(of: "sbatch") != nil }

  /// Submits a script.
  ///
  /// - Parameters:
  ///   - script: Its path.
  ///   - folder: Where its tasks stand, and their logs go.
  /// - Returns: The number of the job.
  /// - Throws: `SlurmError`.
  package static func submit(_ script: String, in folder: String) throws(SlurmError) -> String {
    let answer = try run("sbatch", ["--parsable", "--chdir=\(folder)", script])
    // With several clusters, the name of one follows.
    let number = answer.split(whereSeparator: { ";\n".contains($0) }).first.map(String.init) ?? ""
    guard !number.isEmpty, number.allSatisfy(\.isNumber) else {
      throw .refused(program: "sbatch", reason: "no job number in its answer: \(answer)")
    }
    return number
  }

  /// The tasks of arrays that are not over.
  ///
  /// - Throws: `SlurmError`.
  package static func tasks(of arrays: [String]) throws(SlurmError) -> [Task] {
    guard !arrays.isEmpty else { return [] }
    // Numbers that Slurm has forgotten would make `-j` fail, so all own jobs are asked for.
    let answer = try run("squeue", ["--me", "-h", "-r", "-o", "%F_%K|%T|%r"])
    let known = Set(arrays)
    return answer.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 3, let array = fields[0].split(separator: "_").first,
        known.contains(String(array))
      else { return nil }
      return Task(id: fields[0], state: fields[1], reason: fields[2])
    }
  }

  /// Cancels tasks; those that are over stay as they are.
  ///
  /// - Throws: `SlurmError`.
  package static func cancel(_ ids: [String]) throws(SlurmError) {
    guard !ids.isEmpty else { return }
    _ = try run("scancel", ids)
  }

  private static func path(of program: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func run(_ program: String, _ arguments: [String]) throws(SlurmError) -> String {
    guard let path = path(of: program) else { throw .missing(program: program) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch {
      throw .refused(program: program, reason: "\(error)")
    }
    // What Slurm's programs say as an error is far below what a pipe holds.
    let answer = (try? output.fileHandleForReading.readToEnd()) ?? nil
    let complaint = (try? errors.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let text = String(decoding: complaint ?? Data(), as: UTF8.self)
      throw .refused(
        program: program, reason: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    return String(decoding: answer ?? Data(), as: UTF8.self)
  }
}

/// Why Slurm cannot be used.
package enum SlurmError: ExitCoded, Equatable {
  case missing(program: String)
  case refused(program: String, reason: String)

  package var exitCode: ExitCode {
    switch self {
    case .missing: .unavailable
    case .refused: .failed
    }
  }
}

extension SlurmError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing(let program):
      "\(program): no such program on the search path. Jobs are given to Slurm where its programs are "
        + "installed, as a rule on the login node of a cluster; `attune batch` without --slurm runs "
        + "them here"
    case .refused(let program, let reason): "\(program) refused: \(reason)"
    }
  }
}
