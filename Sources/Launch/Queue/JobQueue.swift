internal import Foundation
internal import GRDB

/// Jobs in `<folder>/attune.sqlite`, worked on by any number of processes, each job by one of them.
///
/// Knows nothing of what a job does. Whether an owner lives is told from its process on this machine
/// and from a counter for others, never from the time of day.
package final class JobQueue: Sendable {
  let file: QueueFile

  package var path: String { file.path }

  /// Opens the queue of a folder and makes it where there is none.
  ///
  /// Another program's lock is waited for as long as `patience`.
  package init(folder: String, patience: Duration = .seconds(10)) throws(QueueError) {
    file = try QueueFile(folder: folder, patience: patience)
    try file.check()
  }

  /// The queue of a folder; nil where it has none.
  package init?(existingIn folder: String, patience: Duration = .seconds(10)) throws(QueueError) {
    guard let file = try QueueFile(existingIn: folder, patience: patience) else { return nil }
    self.file = file
    try file.check()
  }

  // MARK: Queueing

  /// Queues jobs, all or none; one that waits or runs already stays as it is.
  ///
  /// An attempt that may go better is repeated up to `retries` times. Gives their numbers in the order
  /// of `jobs`.
  package func add(_ jobs: [NewJob], retries: Int) throws(QueueError) -> [Int64] {
    try file.write { database in
      try jobs.map { job in
        try database.execute(
          sql: """
            INSERT INTO jobs
              (identity, name, label, payload, state, retries, revision, queued_at, changed_at)
            VALUES (:identity, :name, :label, :payload, 'waiting', :retries, \(Self.next), :now, :now)
            ON CONFLICT (identity) DO UPDATE SET
              \(Self.rearmed), name = excluded.name, label = excluded.label,
              payload = excluded.payload, retries = excluded.retries,
              queued_at = excluded.queued_at, changed_at = excluded.changed_at
            WHERE state NOT IN ('waiting', 'running')
            """,
          arguments: [
            "identity": job.identity, "name": job.name, "label": job.label,
            "payload": job.payload, "retries": retries, "now": Self.now,
          ])
        let id = try Int64.fetchOne(
          database, sql: "SELECT id FROM jobs WHERE identity = ?", arguments: [job.identity])
        return id ?? 0
      }
    }
  }

  /// Queues failed and cancelled jobs again.
  ///
  /// Without `ids` all of them; one that is finished is run again when it is named. Gives how many
  /// wait now that did not.
  package func retry(_ ids: [Int64]?) throws(QueueError) -> Int {
    try change(
      ids, all: "state IN ('failed', 'cancelled')", named: "state NOT IN ('waiting', 'running')",
      to: Self.rearmed)
  }

  /// Cancels what waits, and asks running jobs to stop at their next step.
  ///
  /// Without `ids` all. Gives how many were cancelled or asked.
  package func cancel(_ ids: [Int64]?) throws(QueueError) -> Int {
    try change(
      ids, all: "state IN ('waiting', 'running')", named: "state IN ('waiting', 'running')",
      to: """
        stop = (state = 'running'), revision = \(Self.next),
        state = iif(state = 'waiting', 'cancelled', state)
        """)
  }

  private func change(
    _ ids: [Int64]?, all: String, named: String, to assignments: String
  ) throws(QueueError) -> Int {
    let path = path
    return try file.write { database in
      guard let ids else {
        try database.execute(
          sql: "UPDATE jobs SET \(assignments), changed_at = ? WHERE \(all)",
          arguments: [Self.now])
        return database.changesCount
      }
      return try ids.reduce(0) { count, id in
        guard
          try Bool.fetchOne(
            database, sql: "SELECT 1 FROM jobs WHERE id = ?", arguments: [id]) == true
        else { throw QueueError.noJob(number: id, path: path) }
        try database.execute(
          sql: "UPDATE jobs SET \(assignments), changed_at = ? WHERE id = ? AND \(named)",
          arguments: [Self.now, id])
        return count + database.changesCount
      }
    }
  }

  // MARK: Looking

  /// Jobs in the order of their numbers.
  ///
  /// Without `ids` all; those that have changed since `revision` alone.
  package func jobs(_ ids: [Int64]? = nil, since revision: Int64 = 0) throws(QueueError) -> [Job] {
    let wanted = ids.map(Set.init)
    return try file.read { database in
      try Row.fetchAll(
        database, sql: "SELECT * FROM jobs WHERE revision > ? ORDER BY id", arguments: [revision]
      ).map { Job($0) }.filter { wanted?.contains($0.id) ?? true }
    }
  }

  /// Jobs that run.
  package func running() throws(QueueError) -> [Job] {
    try file.read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM jobs WHERE state = 'running' ORDER BY id")
        .map { Job($0) }
    }
  }

  /// How many jobs are in each state.
  package func counts() throws(QueueError) -> [Job.State: Int] {
    try file.read { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT state, count(*) AS number FROM jobs GROUP BY state")
      return Dictionary(
        rows.compactMap { row in Job.State(rawValue: row["state"]).map { ($0, row["number"]) } }
      ) { first, _ in first }
    }
  }

  // MARK: Parts of statements

  /// The revision of the next change.
  static let next = "(SELECT ifnull(max(revision), 0) + 1 FROM jobs)"
  /// A job that waits as if it were new.
  static let rearmed = """
    state = 'waiting', skipped = 0, attempts = 0, exit_code = NULL, message = NULL, result = NULL,
    progress = NULL, stop = 0, \(disowned), revision = \(next)
    """
  static let disowned = "host = NULL, space = NULL, pid = NULL, start = NULL"

  /// The time of day, for people alone.
  static var now: String { Date().formatted(.iso8601) }
}
