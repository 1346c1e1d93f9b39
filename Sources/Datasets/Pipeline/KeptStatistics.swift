import Foundation
import Recipes
import Synchronization

/// Statistics of training samples and digests of test samples on disk, so that the samples are read for
/// them once for all runs of an output folder.
///
/// A file is named by everything that its numbers follow from: the recipe's data section, the samples,
/// and the size and times of the files that they come from. One that cannot be read or written costs
/// the reading of the samples and nothing else. Nothing is written before `write`.
package final class KeptStatistics: Sendable {
  private let folder: String
  private let recipe: String
  /// What was found, by the names of files to be written.
  private let found = Mutex<[String: Data]>([:])

  /// - Parameters:
  ///   - folder: Where they lie; made when there is something to write.
  ///   - recipe: Digest over all settings that decide the samples and their values.
  package init(folder: String, recipe: String) {
    self.folder = folder
    self.recipe = recipe
  }

  /// What is known of the samples, or what `compute` finds.
  ///
  /// - Parameters:
  ///   - samples: Their names, in the order in which they are read.
  ///   - files: All files that they come from.
  ///   - compute: Reads the samples.
  /// - Returns: The statistics.
  /// - Throws: What `compute` throws; nothing is kept then.
  package func value<Value: Codable>(
    of samples: [String], in files: [String], _ compute: () throws -> Value
  ) throws -> Value {
    guard let name = name(samples, files) else { return try compute() }
    let path = folder + "/" + name
    if let data = FileManager.default.contents(atPath: path),
      let known = try? JSONDecoder().decode(Value.self, from: data)
    {
      return known
    }
    let value = try compute()
    // Files may have been written while they were read.
    if self.name(samples, files) == name, let data = try? JSONEncoder().encode(value) {
      found.withLock { $0[name] = data }
    }
    return value
  }

  /// SHA-256 of test samples, or what `compute` finds; as `value`.
  func digest(
    of samples: [String], in files: [String], _ compute: () throws -> String
  ) throws -> String {
    // As a list: a lone text is no JSON document for every reader.
    let found = try value(of: ["test digest"] + samples, in: files) { [try compute()] }
    guard let digest = found.first else { return try compute() }
    return digest
  }

  /// Writes what was found, each file under a temporary name first.
  package func write() {
    let found = found.withLock { found in
      defer { found = [:] }
      return found
    }
    guard !found.isEmpty else { return }
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, data) in found {
      try? data.write(to: URL(filePath: folder + "/" + name), options: .atomic)
    }
  }

  /// Nil where a file is missing or was written a moment ago.
  ///
  /// Such a file may change once more within the same tick of its time. The number counts changes of
  /// what is computed.
  private func name(_ samples: [String], _ files: [String]) -> String? {
    var lines = ["statistics/1 " + recipe] + samples
    for file in files {
      guard let stamp = FileStamp(file), stamp.isSettled else { return nil }
      lines += [file, String(stamp.bytes), stamp.text]
    }
    guard let data = try? JSONEncoder().encode(lines) else { return nil }
    return SHA256Digest.of(data).prefix(32) + ".json"
  }
}
