internal import GRDB

/// Watches the counters of owners that cannot be seen from here.
///
/// An owner counts as dead when its counter has stood still for `limit` of the watcher's own time.
/// Between two looks no more than a few seconds are counted, so that a watcher that was itself frozen
/// does not take all others for dead when it wakes up.
package struct StallWatch: Sendable {
  private struct Sight {
    var beat: Int
    var owner: ProcessIdentity
    var stillness: Duration
  }

  private let limit: Duration
  private var sights: [Int64: Sight] = [:]
  private var lastLook: SuspendingClock.Instant?

  package init(limit: Duration = .seconds(60)) { self.limit = limit }

  /// Owners' jobs whose counter has stood still for too long.
  package mutating func stalled(
    _ jobs: [Job], at now: SuspendingClock.Instant = SuspendingClock.now
  ) -> [Job] {
    let passed = min(lastLook.map { now - $0 } ?? .zero, Self.longestPause)
    lastLook = now
    var next: [Int64: Sight] = [:]
    for job in jobs {
      guard let owner = job.owner else { continue }
      var sight = Sight(beat: job.beat, owner: owner, stillness: .zero)
      if let before = sights[job.id], before.beat == job.beat, before.owner == owner {
        sight.stillness = before.stillness + passed
      }
      next[job.id] = sight
    }
    sights = next
    return jobs.filter { job in next[job.id].map { $0.stillness >= limit } ?? false }
  }

  private static let longestPause = Duration.seconds(5)
}

/// Jobs of owners that are no more.
extension JobQueue {
  /// Puts jobs of dead owners back: they wait again, or have failed when they were tried often enough.
  ///
  /// - Parameters:
  ///   - watch: What this process has seen of owners on other machines.
  ///   - deaths: How processes of this machine ended, by their numbers, where that is known.
  /// - Returns: The jobs that were put back.
  /// - Throws: `QueueError`.
  @discardableResult
  package func reclaim(
    _ watch: inout StallWatch, deaths: [Int32: String] = [:]
  ) throws(QueueError) -> [Job] {
    let running = try running()
    let dead = running.filter { $0.owner?.hasEnded == true }
    let stalled = watch.stalled(running.filter { $0.owner?.hasEnded == nil })
    guard !dead.isEmpty || !stalled.isEmpty else { return [] }
    let found =
      dead.map { job in
        let number = job.owner?.number ?? 0
        return (job, deaths[number] ?? "its worker, process \(number), died")
      } + stalled.map { ($0, "its worker on \($0.owner?.host ?? "another machine") fell silent") }
    return try file.write { database in
      try found.filter { job, reason in
        try database.execute(
          sql: """
            UPDATE jobs SET
              state = iif(stop, 'cancelled', iif(attempts <= retries, 'waiting', 'failed')),
              exit_code = :code, message = :reason || ' in attempt ' || attempts, progress = NULL,
              stop = 0, \(Self.disowned), revision = \(Self.next), changed_at = :now
            WHERE id = :id AND state = 'running' AND beat = :beat AND pid = :pid AND start = :start
            """,
          arguments: [
            "code": 70, "reason": reason, "now": Self.now, "id": job.id, "beat": job.beat,
            "pid": job.owner?.number, "start": job.owner?.start,
          ])
        return database.changesCount > 0
      }.map(\.0)
    }
  }
}
