internal import Foundation
internal import Glibc

/// Keeps worker processes on a queue until its jobs are done.
package struct QueueSupervisor {
  /// How the jobs stand, at every look.
  package struct View: Sendable {
    /// Of the whole queue.
    package var counts: [Job.State: Int]
    package var running: [Job]
    /// Jobs that were given back since the last look, whatever for.
    package var settled: [Job]
    package var workers: Int

    package init(counts: [Job.State: Int], running: [Job], settled: [Job], workers: Int) {
      self.counts = counts
      self.running = running
      self.settled = settled
      self.workers = workers
    }
  }

  private let queue: JobQueue
  private let workerCount: Int
  private let command: [String]
  private let log: String

  /// Keeps `workers` processes, which are this program under the arguments `command` and write to the
  /// file `log`.
  package init(_ queue: JobQueue, workers: Int, command: [String], log: String) {
    self.queue = queue
    workerCount = workers
    self.command = command
    self.log = log
  }

  /// Works until nothing waits and the given jobs are settled, wherever they run, or until a stop.
  ///
  /// - Parameters:
  ///   - ids: Jobs that are waited for.
  ///   - stopSignal: The signal that asked this process to stop; passed on to the workers, which save
  ///     and end.
  ///   - show: Called at every look.
  /// - Returns: Whether it was stopped before all was done.
  /// - Throws: `QueueError`; the workers are stopped first.
  package func run(
    _ ids: [Int64], stopSignal: () -> Int32?, show: (View) -> Void
  ) throws(QueueError) -> Bool {
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard output >= 0 else {
      throw .cannotOpen(path: log, reason: String(cString: strerror(errno)))
    }
    defer { close(output) }
    var crew = Crew()
    do {
      return try work(ids, &crew, output, stopSignal, show)
    } catch {
      crew.dismiss()
      throw error
    }
  }

  private func work(
    _ ids: [Int64], _ crew: inout Crew, _ output: Int32, _ stopSignal: () -> Int32?,
    _ show: (View) -> Void
  ) throws(QueueError) -> Bool {
    var watch = StallWatch()
    var open = Set(ids)
    var revision: Int64 = 0
    var told: [Int64: String] = [:]
    var wasForwarded = false
    while true {
      let deaths = try crew.reap(log: log)
      let putBack = try queue.reclaim(&watch, deaths: deaths)
      try crew.count(deaths, withJobs: Set(putBack.compactMap { $0.owner?.number }), log: log)
      let changed = try queue.jobs(since: revision)
      revision = changed.map(\.revision).max() ?? revision
      let settled = changed.filter {
        $0.state.isSettled || ($0.state == .waiting && $0.message != nil)
      }
      if !settled.isEmpty { crew.idleDeaths = 0 }
      // A job that others keep busy is given back again and again.
      let news = settled.filter { told.updateValue($0.line, forKey: $0.id) != $0.line }
      for job in changed where open.contains(job.id) && job.state.isSettled { open.remove(job.id) }
      // Rearmed by somebody meanwhile.
      for job in changed where !job.state.isSettled && ids.contains(job.id) { open.insert(job.id) }
      let counts = try queue.counts()
      show(
        View(
          counts: counts, running: try queue.running(), settled: news,
          workers: crew.children.count))
      if let signal = stopSignal(), !wasForwarded {
        for child in crew.children { child.send(signal) }
        wasForwarded = true
      }
      let waiting = counts[.waiting] ?? 0
      if crew.children.isEmpty, wasForwarded || (waiting == 0 && open.isEmpty) {
        return wasForwarded && !open.isEmpty
      }
      if !wasForwarded {
        for _ in 0..<min(workerCount - crew.children.count, waiting) {
          crew.children.append(try ChildProcess(command, output: output))
        }
      }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }

  private static let pause = 0.1
}

extension Job.State {
  /// Nothing more happens to the job of itself.
  package var isSettled: Bool { self != .waiting && self != .running }
}

/// The workers of a supervisor.
private struct Crew {
  var children: [ChildProcess] = []
  /// Deaths of workers that had no job, since a job was last given back.
  var idleDeaths = 0

  /// Takes note of workers that have ended; how, for those that did not end in order.
  ///
  /// - Throws: `QueueError.workersFail` where one says by its code that others would fare no better.
  mutating func reap(log: String) throws(QueueError) -> [Int32: String] {
    var deaths: [Int32: String] = [:]
    var useless: Int32?
    children.removeAll { child in
      guard let end = child.end() else { return false }
      switch end {
      case .exited(0), .exited(75): break
      case .exited(130), .exited(143): deaths[child.number] = "its worker was told to end twice"
      case .exited(let code): useless = code
      case .killed(let signal):
        deaths[child.number] = "its worker was ended by \(signalText(signal)), see \(log),"
      }
      return true
    }
    if let useless { throw .workersFail(code: useless, log: log) }
    return deaths
  }

  /// Gives up where one worker after the other dies before it has taken a job.
  mutating func count(
    _ deaths: [Int32: String], withJobs: Set<Int32>, log: String
  ) throws(QueueError) {
    idleDeaths += deaths.keys.count { !withJobs.contains($0) }
    if idleDeaths > Self.mostIdleDeaths { throw .workersFail(code: 70, log: log) }
  }

  /// Asks all to stop and waits until they have; what they worked on waits again.
  mutating func dismiss() {
    for child in children { child.send(SIGTERM) }
    while !children.isEmpty {
      children.removeAll { $0.end() != nil }
      Thread.sleep(forTimeInterval: 0.05)
    }
  }

  private static let mostIdleDeaths = 50
}
