internal import GRDB

/// What the owner of a job does to it.
extension JobQueue {
  /// What a beat tells the owner.
  package enum Standing: Sendable, Equatable {
    case goOn, stop
    /// The job was taken away: it counts as another's now.
    case lost
  }

  /// Takes the job that has waited longest, in one transaction; nil where none waits.
  ///
  /// `owner` will run it; `ids` are left to others for now.
  package func claim(
    by owner: ProcessIdentity = .current, except ids: Set<Int64> = []
  ) throws(QueueError) -> Job? {
    let others = ids.map(String.init).joined(separator: ", ")
    return try file.write { database in
      try Row.fetchOne(
        database,
        sql: """
          UPDATE jobs SET
            state = 'running', attempts = attempts + 1, message = NULL, progress = NULL, stop = 0,
            host = :host, space = :space, pid = :pid, start = :start, beat = beat + 1,
            revision = \(Self.next), changed_at = :now
          WHERE id = (
            SELECT id FROM jobs WHERE state = 'waiting' AND id NOT IN (\(others)) ORDER BY id LIMIT 1)
          RETURNING *
          """,
        arguments: Self.arguments(owner) + ["now": Self.now]
      ).map { Job($0) }
    }
  }

  /// Shows that the owner lives, and how far it is.
  package func beat(
    _ id: Int64, by owner: ProcessIdentity = .current, progress: String? = nil
  ) throws(QueueError) -> Standing {
    try file.write { database in
      let stop = try Bool.fetchOne(
        database,
        sql: """
          UPDATE jobs SET beat = beat + 1, progress = ifnull(:progress, progress)
          WHERE \(Self.isOwned) RETURNING stop
          """,
        arguments: Self.arguments(owner) + ["id": id, "progress": progress])
      return stop.map { $0 ? .stop : .goOn } ?? .lost
    }
  }

  /// Gives a job back with what became of it; nothing happens where it was taken away meanwhile.
  package func settle(
    _ id: Int64, by owner: ProcessIdentity = .current, _ outcome: JobOutcome
  ) throws(QueueError) {
    let ended = "progress = NULL, \(Self.disowned)"
    let change: (assignments: String, arguments: StatementArguments)
    switch outcome {
    case .finished(let result, let isSkipped, let message):
      change = (
        """
        state = 'finished', skipped = :skipped, exit_code = 0, message = :message, result = :result
        """, ["skipped": isSkipped, "message": message, "result": result]
      )
    case .failed(let code, let message, let mayRetry, let result):
      change = (
        """
        state = iif(:may_retry AND attempts <= retries AND NOT stop, 'waiting', 'failed'),
        exit_code = :code, message = :message, result = :result
        """,
        ["may_retry": mayRetry, "code": code, "message": message, "result": result]
      )
    case .stopped(let result):
      change = (
        """
        state = iif(stop, 'cancelled', 'waiting'), attempts = attempts - 1, result = :result,
        message = iif(stop, 'stopped on request, its checkpoint is kept', NULL)
        """, ["result": result]
      )
    case .busy(let message):
      change = (
        """
        state = iif(stop, 'cancelled', 'waiting'), attempts = attempts - 1, message = :message
        """, ["message": message]
      )
    }
    try file.write { database in
      try database.execute(
        sql: """
          UPDATE jobs SET \(change.assignments), \(ended), stop = 0, revision = \(Self.next),
            changed_at = :now
          WHERE \(Self.isOwned)
          """,
        arguments: change.arguments + Self.arguments(owner) + ["id": id, "now": Self.now])
    }
  }

  private static let isOwned = """
    id = :id AND state = 'running' AND host = :host AND space = :space AND pid = :pid
      AND start = :start
    """

  private static func arguments(_ owner: ProcessIdentity) -> StatementArguments {
    ["host": owner.host, "space": owner.space, "pid": owner.number, "start": owner.start]
  }
}
