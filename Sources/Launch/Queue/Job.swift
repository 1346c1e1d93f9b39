internal import GRDB

/// A job of a queue, as its file has it.
package struct Job: Sendable, Equatable {
  package enum State: String, Codable, Sendable, CaseIterable {
    case waiting, running, finished, failed, cancelled
  }

  package let id: Int64
  /// What it belongs to, for people: the recipe.
  package let name: String
  /// What tells it from others of its name; may be empty.
  package let label: String
  /// What is to be done, for whoever does it.
  package let payload: String
  package let state: State
  /// It was found done: finished without being run.
  package let isSkipped: Bool
  /// Starts since it was queued, those that a stop ended left out.
  package let attempts: Int
  package let exitCode: Int32?
  /// Why it failed, or was put back.
  package let message: String?
  /// Where its result lies.
  package let result: String?
  /// How far a running one is.
  package let progress: String?
  /// It is asked to stop and will then be cancelled.
  package let isCancelling: Bool
  /// Who runs it.
  package let owner: ProcessIdentity?
  /// Counts on as long as its owner lives.
  let beat: Int
  /// Number of the last change of any job.
  package let revision: Int64

  init(_ row: Row) {
    id = row["id"]
    name = row["name"]
    label = row["label"]
    payload = row["payload"]
    state = State(rawValue: row["state"]) ?? .failed
    isSkipped = row["skipped"]
    attempts = row["attempts"]
    exitCode = row["exit_code"]
    message = row["message"]
    result = row["result"]
    progress = row["progress"]
    isCancelling = row["stop"]
    beat = row["beat"]
    revision = row["revision"]
    let number: Int32? = row["pid"]
    owner = number.map {
      ProcessIdentity(host: row["host"], space: row["space"], number: $0, start: row["start"])
    }
  }
}

/// A job to be queued.
package struct NewJob: Sendable {
  /// Two of one identity are the same job.
  package var identity: String
  package var name: String
  package var label: String
  package var payload: String

  package init(identity: String, name: String, label: String = "", payload: String) {
    self.identity = identity
    self.name = name
    self.label = label
    self.payload = payload
  }
}

/// What became of a job in the hands of a worker.
package enum JobOutcome: Sendable, Equatable {
  /// `isSkipped` says that there was nothing left to do, `message` what came out.
  case finished(result: String?, isSkipped: Bool = false, message: String? = nil)
  /// `mayRetry` where another attempt may go better.
  case failed(code: Int32, message: String, mayRetry: Bool, result: String? = nil)
  /// Stopped on request with all of its work saved: it waits again, or is cancelled if that was the
  /// request.
  case stopped(result: String? = nil)
  /// What it would write to is in use: it waits again.
  case busy(message: String)
}
