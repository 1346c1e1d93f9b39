import Foundation
import Glibc
import Launch
import Recipes
import TestSupport
import Testing

@Suite("The queue's file")
struct QueueFileTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func job(_ name: String) -> NewJob { NewJob(identity: name, name: name, payload: "") }

  @Test("that is damaged is refused with a way out", arguments: [false, true])
  func damaged(isWhole: Bool) throws {
    if isWhole {
      try folder.write(String(repeating: "not a database\n", count: 500), to: "attune.sqlite")
    } else {
      _ = try JobQueue(folder: folder.path).add((0..<500).map { job("\($0)") }, retries: 0)
      let file = try FileHandle(forUpdating: URL(filePath: folder.path("attune.sqlite")))
      let size = try file.seekToEnd()
      try file.seek(toOffset: 4096)
      try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
      try file.close()
    }
    let error = #expect(throws: QueueError.self) { try JobQueue(folder: folder.path) }
    #expect(error?.exitCode == .malformedData)
    #expect(error?.description.contains("Your runs are safe") == true)
  }

  @Test("that another program has locked is waited for, then refused")
  func locked() async throws {
    let queue = try JobQueue(folder: folder.path, patience: .milliseconds(200))
    let other = try await locking(folder.path("attune.sqlite"), seconds: 30)
    let error = #expect(throws: QueueError.self) { try queue.add([job("a")], retries: 0) }
    #expect(error?.exitCode == .readOrWriteFailed)
    #expect(error?.description.contains("locked for") == true)
    kill(other.processIdentifier, SIGKILL)
    other.waitUntilExit()
    #expect(try queue.add([job("a")], retries: 0) == [1])
  }

  /// A process that holds the writers' lock.
  private func locking(_ path: String, seconds: Int) async throws -> Process {
    let program = """
      import sqlite3, sys, time
      c = sqlite3.connect(sys.argv[1], isolation_level=None)
      c.execute("BEGIN IMMEDIATE")
      print("locked", flush=True)
      time.sleep(float(sys.argv[2]))
      """
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program, path, "\(seconds)"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    #expect(try output.fileHandleForReading.read(upToCount: 6) == Data("locked".utf8))
    return process
  }

  @Test("on a full disk keeps what it had, and says so")
  func full() async throws {
    _ = try JobQueue(folder: folder.path).add([job("a")], retries: 0)
    let path = folder.path
    await #expect(processExitsWith: .exitCode(74)) { [path = path as String] in
      ignoreFileSizeSignal()
      let queue = try JobQueue(folder: path)
      var limit = rlimit(rlim_cur: 64 << 10, rlim_max: 64 << 10)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do {
        _ = try queue.add(
          (0..<5000).map { NewJob(identity: "\($0)", name: "n", payload: "p") }, retries: 0)
        exit(0)
      } catch {
        exit((error as? QueueError)?.exitCode.rawValue ?? 1)
      }
    }
    let queue = try JobQueue(folder: path)
    #expect(try queue.jobs().map(\.name) == ["a"])
  }

  @Test("is made once by any number of processes at the same time")
  func madeOnce() async throws {
    // Opening passes through states that last for microseconds: one try would seldom meet them.
    for attempt in 0..<40 {
      let path = folder.path("\(attempt)")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<8 {
          group.addTask {
            let queue = try JobQueue(folder: path)
            _ = try queue.add(
              [NewJob(identity: "\(number)", name: "n", payload: "")], retries: 0)
          }
        }
        try await group.waitForAll()
      }
      #expect(try JobQueue(folder: path).counts() == [.waiting: 8])
    }
  }

  @Test("is not made by looking")
  func looking() throws {
    #expect(try JobQueue(existingIn: folder.path) == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test("keeps entries about folders, and does without where it cannot")
  func entries() throws {
    let cache = EntryCache(folder: folder.path, makes: true)
    cache.keep([("a", "1", "one"), ("b", "1", "two")], forgetting: [])
    cache.keep([("a", "2", "three")], forgetting: ["b"])
    #expect(cache.entries().mapValues(\.entry) == ["a": "three"])
    try folder.write("no database", to: "other/attune.sqlite")
    let broken = EntryCache(folder: folder.path("other"), makes: true)
    broken.keep([("a", "1", "one")], forgetting: [])
    #expect(broken.entries().isEmpty)
  }
}

@Suite("A file lock")
struct FileLockTests {
  @Test("is held by one at a time, until it is dropped or its process ends")
  func exclusive() async throws {
    let folder = try TemporaryDirectory()
    let path = folder.path(".lock")
    var first = try FileLock(path: path)
    #expect(first?.isHeld == true)
    #expect(FileLock.isHeld(path))
    #expect(try FileLock(path: path) == nil)
    #expect(FileLock.holder(of: path).hasPrefix("process \(getpid()) on "))
    first = nil
    #expect(!FileLock.isHeld(path))
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      guard let lock = try FileLock(path: path) else { exit(1) }
      withExtendedLifetime(lock) { _ = kill(getpid(), SIGKILL) }
    }
    first = try FileLock(path: path)
    #expect(first?.isHeld == true)
  }
}
