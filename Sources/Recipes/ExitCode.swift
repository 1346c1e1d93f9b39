/// Exit codes of the program, after sysexits.h; scripts and batch queues rely on them.
package enum ExitCode: Int32, Sendable, CaseIterable {
  case done = 0
  /// The run failed (loss not finite), or a batch job or parity case did.
  case failed = 1
  case wrongCommandLine = 64
  /// Data or a checkpoint is malformed, or does not belong to this run.
  case malformedData = 65
  case inputMissing = 66
  /// A device, a library or an exact conversion is not available.
  case unavailable = 69
  case internalError = 70
  /// Output cannot be created, or exists already.
  case cannotCreate = 73
  case readOrWriteFailed = 74
  /// Stopped on request with a valid checkpoint: run again to go on.
  case stopped = 75
  case invalidRecipe = 78
  /// Interrupted, no checkpoint saved (128 + SIGINT).
  case interrupted = 130
  /// Terminated, no checkpoint saved (128 + SIGTERM).
  case terminated = 143
}

/// An error that knows with which code the program ends; every module's errors conform.
package protocol ExitCoded: Error {
  var exitCode: ExitCode { get }
}
