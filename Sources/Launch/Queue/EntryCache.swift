internal import GRDB

/// Entries about folders that are kept in the queue's file, so that they are not read anew each time.
///
/// The folders are the truth: an entry counts only under the stamp that it was kept with, and a file
/// that is missing, damaged or locked only means that nothing is kept.
package struct EntryCache: Sendable {
  private let file: QueueFile?

  /// The cache of an output folder; nothing is made where it has no queue yet and `makes` is false.
  package init(folder: String, makes: Bool) {
    let patience = Duration.milliseconds(200)
    file =
      makes
      ? try? QueueFile(folder: folder, patience: patience)
      : try? QueueFile(existingIn: folder, patience: patience)
  }

  /// Entries by path, with the stamp that each was kept with.
  package func entries() -> [String: (stamp: String, entry: String)] {
    let rows = try? file?.read { database in
      try Row.fetchAll(database, sql: "SELECT path, stamp, entry FROM runs")
        .map { row -> (String, (stamp: String, entry: String)) in
          (row["path"], (row["stamp"], row["entry"]))
        }
    }
    return Dictionary(rows ?? []) { first, _ in first }
  }

  /// Keeps entries and forgets paths.
  package func keep(
    _ entries: [(path: String, stamp: String, entry: String)], forgetting paths: [String]
  ) {
    guard !entries.isEmpty || !paths.isEmpty else { return }
    try? file?.write { database in
      for entry in entries {
        try database.execute(
          sql: "INSERT OR REPLACE INTO runs (path, stamp, entry) VALUES (?, ?, ?)",
          arguments: [entry.path, entry.stamp, entry.entry])
      }
      for path in paths {
        try database.execute(sql: "DELETE FROM runs WHERE path = ?", arguments: [path])
      }
    }
  }
}
