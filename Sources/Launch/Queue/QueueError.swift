internal import Foundation
internal import GRDB
package import Recipes

/// Why the queue's file cannot be used.
package enum QueueError: ExitCoded, Equatable {
  /// Not a database, or a damaged one.
  case damaged(path: String, reason: String)
  /// Another program held it for longer than was waited.
  case locked(path: String, seconds: Int)
  case cannotOpen(path: String, reason: String)
  /// No room, or the disk refuses.
  case failed(path: String, reason: String)
  /// Made by a program that knows more than this one.
  case newer(path: String)
  case noJob(number: Int64, path: String)
  case workerNotStarted(reason: String)
  /// A worker ended with a code that says that no other would do better.
  case workersFail(code: Int32, log: String)

  package var exitCode: ExitCode {
    switch self {
    case .damaged: .malformedData
    case .locked, .failed: .readOrWriteFailed
    case .cannotOpen: .cannotCreate
    case .newer: .unavailable
    case .noJob: .wrongCommandLine
    case .workerNotStarted: .internalError
    case .workersFail(let code, _): ExitCode(rawValue: code) ?? .internalError
    }
  }

  init(_ error: any Error, path: String, waited: Duration) {
    guard let error = error as? DatabaseError else {
      self = error as? QueueError ?? .failed(path: path, reason: "\(error)")
      return
    }
    let reason = error.message ?? "SQLite's code \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, reason: reason)
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL:
      self = .locked(path: path, seconds: Int(waited / .seconds(1)))
    case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY:
      self = .cannotOpen(path: path, reason: reason)
    case .SQLITE_ERROR: self = .damaged(path: path, reason: reason)
    default: self = .failed(path: path, reason: reason)
    }
  }
}

extension QueueError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .damaged(let path, let reason):
      "\(path): the queue cannot be read: \(reason). Your runs are safe, each in its own folder. "
        + "Move the file away, with those of its name that end in -wal and -shm, and queue again "
        + "by `attune batch`: what is finished is not run twice"
    case .locked(let path, let seconds):
      "\(path): another program has had the queue locked for \(seconds) s. End it, or wait for it, "
        + "and give the command again; nothing was lost"
    case .cannotOpen(let path, let reason):
      "\(path): the queue cannot be opened: \(reason). Choose a folder that you may write to with -o"
    case .failed(let path, let reason):
      "\(path): the queue cannot be written: \(reason). Make room on the disk and give the command "
        + "again; nothing was lost"
    case .newer(let path):
      "\(path): the queue was made by a newer version of this program. Use that one, or another -o"
    case .noJob(let number, let path):
      "\(path): there is no job \(number). `attune queue status` lists them"
    case .workerNotStarted(let reason): "a worker cannot be started: \(reason)"
    case .workersFail(let code, let log):
      "a worker ended with code \(code). \(log) says why; give the command again to go on"
    }
  }
}
