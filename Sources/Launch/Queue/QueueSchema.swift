internal import GRDB

/// The tables of `attune.sqlite`.
enum QueueSchema {
  /// Steps from an empty file to the present form; ones that were released are never changed.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: jobs and runs") { database in
      try database.execute(
        sql: """
          CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            identity TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            label TEXT NOT NULL,
            payload TEXT NOT NULL,
            state TEXT NOT NULL
              CHECK (state IN ('waiting', 'running', 'finished', 'failed', 'cancelled')),
            skipped INTEGER NOT NULL DEFAULT 0,
            attempts INTEGER NOT NULL DEFAULT 0,
            retries INTEGER NOT NULL,
            exit_code INTEGER,
            message TEXT,
            result TEXT,
            progress TEXT,
            stop INTEGER NOT NULL DEFAULT 0,
            host TEXT, space TEXT, pid INTEGER, start INTEGER,
            beat INTEGER NOT NULL DEFAULT 0,
            revision INTEGER NOT NULL,
            queued_at TEXT NOT NULL,
            changed_at TEXT NOT NULL
          );
          CREATE INDEX jobs_state ON jobs (state, id);
          CREATE INDEX jobs_revision ON jobs (revision);
          CREATE TABLE runs (
            path TEXT PRIMARY KEY,
            stamp TEXT NOT NULL,
            entry TEXT NOT NULL
          ) WITHOUT ROWID;
          """)
    }
    return migrator
  }

  /// Whether some program has made the table in which the migrator keeps what is done.
  static func isBegun(_ database: Database) throws -> Bool {
    try database.tableExists("grdb_migrations")
  }
}
