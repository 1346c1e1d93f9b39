import Foundation
import Launch
import Recipes

/// The runs below a folder, with what was read of them kept in the queue's file.
///
/// The folders are the truth: an entry counts while the files it was read from are as they were.
struct RunIndex {
  private let folder: String

  init(folder: String) { self.folder = folder }

  /// All runs, by folder.
  ///
  /// - Throws: `RunsMissing` where the folder does not exist.
  func entries() throws -> [RunEntry] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
    else { throw RunsMissing(folder: folder) }
    let runs = Self.runs(below: folder, levels: Self.levels)
    // Made beside runs that lie as `train` puts them, so that no other folder gets a file.
    let isOutput = runs.contains {
      $0.dropFirst(folder.count).split(separator: "/").count == Self.levels
    }
    let cache = EntryCache(folder: folder, makes: isOutput)
    let known = cache.entries()
    var fresh: [(path: String, stamp: String, entry: String)] = []
    let entries = runs.compactMap { run -> RunEntry? in
      let stamp = Self.stamp(of: run)
      let entry: RunEntry
      if let kept = known[run], kept.stamp == stamp,
        let old = try? JSONDecoder().decode(RunEntry.self, from: Data(kept.entry.utf8))
      {
        entry = old
      } else {
        guard let new = RunEntry(folder: run) else { return nil }
        entry = new
        if let text = try? JSONEncoder().encode(new) {
          fresh.append((run, stamp, String(decoding: text, as: UTF8.self)))
        }
      }
      return entry.asOfNow
    }
    let present = Set(runs)
    cache.keep(fresh, forgetting: known.keys.filter { !present.contains($0) })
    return entries
  }

  /// Run folders, themselves not searched further.
  private static func runs(below folder: String, levels: Int) -> [String] {
    if FileManager.default.fileExists(atPath: folder + "/status.json") { return [folder] }
    guard levels > 0,
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else { return [] }
    return names.filter { !$0.hasPrefix(".") }.sorted().flatMap {
      runs(below: folder + "/" + $0, levels: levels - 1)
    }
  }

  /// Sizes and times of the files that an entry is read from, and the form of entries.
  private static func stamp(of run: String) -> String {
    let parts = ["status.json", "record.json", "recipe.resolved.yaml"].map { name in
      var found = stat()
      guard stat(run + "/" + name, &found) == 0 else { return "none" }
      return "\(found.st_size) \(found.st_mtim.tv_sec).\(found.st_mtim.tv_nsec) \(found.st_ino)"
    }
    return "\(programVersion) 1 " + parts.joined(separator: " ")
  }

  /// `<output.dir>/<name>/<run>`.
  private static let levels = 2
}

extension RunEntry {
  /// The entry with a run that died told from one that goes on.
  fileprivate var asOfNow: RunEntry {
    var entry = self
    if state == .running, !RunDirectory(path: folder).isLocked { entry.state = .interrupted }
    return entry
  }
}

/// A folder that does not exist.
struct RunsMissing: ExitCoded, CustomStringConvertible {
  let folder: String

  var exitCode: ExitCode { .inputMissing }
  var description: String { "\(folder): no such folder. Name the folder of your runs" }
}
