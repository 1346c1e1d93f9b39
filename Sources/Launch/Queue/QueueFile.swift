internal import Foundation
internal import GRDB

/// The open file `attune.sqlite`, with errors in this program's words.
///
/// Any number of processes may have it open: writing is in turns, of one transaction each.
final class QueueFile: Sendable {
  let path: String
  private let database: DatabaseQueue
  private let patience: Duration

  /// Opens the file, makes it where it is missing, and brings its tables up to date.
  ///
  /// `folder` is made if need be; a lock of another program is waited for as long as `patience`.
  init(folder: String, patience: Duration) throws(QueueError) {
    let path = folder + "/attune.sqlite"
    self.path = path
    self.patience = patience
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotOpen(path: path, reason: error.localizedDescription)
    }
    do {
      database = try Self.opened(path, patience)
    } catch {
      throw QueueError(error, path: path, waited: patience)
    }
  }

  /// The file, if there is one.
  convenience init?(existingIn folder: String, patience: Duration) throws(QueueError) {
    guard FileManager.default.fileExists(atPath: folder + "/attune.sqlite") else { return nil }
    try self.init(folder: folder, patience: patience)
  }

  private static func opened(_ path: String, _ patience: Duration) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(patience / .seconds(1))
    // The file is small, and so may its log be.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 64") }
    let start = ContinuousClock.now
    while true {
      do {
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try bringUpToDate(database, path)
        return database
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && ContinuousClock.now - start < patience
      {
        // Turning on the write-ahead log does not wait for others that do so too.
        Thread.sleep(forTimeInterval: 0.01)
      }
    }
  }

  /// Makes what tables are missing, and throws where a newer program has made others.
  private static func bringUpToDate(_ database: DatabaseQueue, _ path: String) throws {
    let migrator = QueueSchema.migrator
    // A file without the migrator's table is asked nothing: another process may be making it now.
    if try !database.read(QueueSchema.isBegun) {
      try migrate(database)
    }
    guard try !database.read(migrator.hasBeenSuperseded) else {
      throw QueueError.newer(path: path)
    }
    if try !database.read(migrator.hasCompletedMigrations) {
      try migrate(database)
    }
  }

  private static func migrate(_ database: DatabaseQueue) throws {
    let migrator = QueueSchema.migrator
    do {
      try migrator.migrate(database)
    } catch {
      // Another process may have done the same in the meantime.
      guard try database.read(QueueSchema.isBegun),
        try database.read(migrator.hasCompletedMigrations)
      else { throw error }
    }
  }

  /// Reads in one consistent state.
  func read<Value>(_ body: (Database) throws -> Value) throws(QueueError) -> Value {
    do {
      return try database.read(body)
    } catch {
      throw QueueError(error, path: path, waited: patience)
    }
  }

  /// Writes all or nothing, while no other process writes.
  func write<Value>(_ body: (Database) throws -> Value) throws(QueueError) -> Value {
    do {
      return try database.write(body)
    } catch {
      throw QueueError(error, path: path, waited: patience)
    }
  }

  /// Throws where the content is damaged.
  func check() throws(QueueError) {
    let finding = try read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
    guard finding == "ok" else {
      throw .damaged(path: path, reason: finding ?? "the check said nothing")
    }
  }
}
