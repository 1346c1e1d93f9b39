import Foundation
import Formats
import Recipes

/// Writes a run to a file store of MLflow: `<experiment>/<run>/{meta.yaml, metrics, params, tags}`.
///
/// The experiment is the recipe's name, the run's identifier follows from its digest and folder, so that
/// a resumed run goes on in its place. A metric is a file with one line `milliseconds value step` per
/// value; a slash in its name is a folder. The form is that of MLflow 3.17's own file store.
final class MLflowLog {
  /// How a run ended, by MLflow's numbers.
  enum Status: Int {
    case running = 1
    case finished = 3
    case failed = 4
    case killed = 5
  }

  private let folder: String
  private let experiment: String
  private let identifier: String
  private let name: String
  private let start: Int

  /// Begins a run in a store, or goes on with it: values later than `step` are removed.
  ///
  /// - Throws: `FormatError` where the store cannot be written.
  init(
    store: String, recipe: ResolvedRecipe, experiment name: String, run: RunDirectory,
    digest: String, startedAt: String, resumingAt step: Int
  ) throws {
    experiment = try Self.experiment(named: name, in: store)
    identifier = String(SHA256Digest.of("\(digest) \(run.path)").prefix(32))
    folder = "\(store)/\(experiment)/\(identifier)"
    self.name = URL(filePath: run.path).lastPathComponent
    let began = try? Date(startedAt, strategy: .iso8601)
    start = Self.milliseconds(began ?? Date())
    if step > 0 {
      try cutBack(to: step)
    } else {
      try? FileManager.default.removeItem(atPath: folder)
    }
    for name in ["artifacts", "metrics", "params", "tags"] {
      try Self.makeFolder("\(folder)/\(name)")
    }
    for (key, value) in Self.parameters(recipe.value) {
      try write(String(value.prefix(Self.longestValue)), to: "params/\(key)")
    }
    let tags = [
      "mlflow.runName": self.name, "mlflow.source.name": "attune", "mlflow.source.type": "LOCAL",
      "mlflow.user": NSUserName(), "attune.version": programVersion, "attune.digest": digest,
      "attune.directory": run.path,
    ]
    for (key, value) in tags { try write(value, to: "tags/\(key)") }
    try end(.running)
  }

  /// Adds values at a step.
  ///
  /// With `once` those that the step has already are left as they are: a run that died as it ended
  /// evaluates its model again.
  func append(
    _ metrics: [(name: String, value: Double)], step: Int, once: Bool = false
  ) throws {
    let now = Self.milliseconds(Date())
    for metric in metrics {
      let path = "\(folder)/metrics/\(Self.allowed(metric.name))"
      let slash = path.lastIndex(of: "/") ?? path.endIndex
      if once, let text = try? String(contentsOfFile: path, encoding: .utf8),
        text.contains(" \(step)\n")
      {
        continue
      }
      try Self.makeFolder(String(path[..<slash]))
      try Self.append("\(now) \(metric.value) \(step)\n", to: path)
    }
  }

  /// Says how the run stands.
  func end(_ status: Status) throws {
    let end = status == .running ? "null" : "\(Self.milliseconds(Date()))"
    try write(
      """
      artifact_uri: \(Self.quoted(URL(filePath: folder + "/artifacts").absoluteString))
      end_time: \(end)
      entry_point_name: ''
      experiment_id: '\(experiment)'
      lifecycle_stage: active
      run_id: \(identifier)
      run_name: \(Self.quoted(name))
      source_name: ''
      source_type: 4
      source_version: ''
      start_time: \(start)
      status: \(status.rawValue)
      tags: []
      user_id: \(Self.quoted(NSUserName()))

      """, to: "meta.yaml")
  }

  // MARK: Parts

  /// Number of the experiment of a name; made where the store has none.
  private static func experiment(named name: String, in store: String) throws -> String {
    let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: store)) ?? []).sorted()
    for number in numbers {
      guard let meta = RecipeLoader.tree(of: "\(store)/\(number)/meta.yaml"),
        meta["name"] == .text(name)
      else { continue }
      return number
    }
    let number = String(
      (UInt64(SHA256Digest.of(name).prefix(15), radix: 16) ?? 1) % 900_000_000_000_000_000
        + 100_000_000_000_000_000)
    let folder = "\(store)/\(number)"
    let now = milliseconds(Date())
    try makeFolder(folder)
    let text = """
      artifact_location: \(quoted(URL(filePath: folder).absoluteString))
      creation_time: \(now)
      experiment_id: '\(number)'
      last_update_time: \(now)
      lifecycle_stage: active
      name: \(quoted(name))

      """
    try writeAtomically(Data(text.utf8), to: folder + "/meta.yaml")
    return number
  }

  /// Every field of a recipe by its dotted path; lists are one value.
  private static func parameters(
    _ value: PlainValue, path: String = ""
  ) -> [(key: String, value: String)] {
    switch value {
    case .map(let fields):
      fields.flatMap { field in
        parameters(field.value, path: path.isEmpty ? field.key : "\(path).\(field.key)")
      }
    case .text(let text), .path(let text): [(allowed(path), text)]
    case .null, .boolean, .integer, .number, .list: [(allowed(path), value.json)]
    }
  }

  /// A name with an underscore for each character that MLflow refuses, as a path below a folder.
  private static func allowed(_ name: String) -> String {
    let kept = name.map { character in
      character.isLetter || character.isNumber || "_-. /".contains(character) ? character : "_"
    }
    return String(kept).split(separator: "/").map { part in
      part.allSatisfy { $0 == "." } ? String(repeating: "_", count: part.count) : String(part)
    }.joined(separator: "/")
  }

  private func cutBack(to step: Int) throws {
    let root = folder + "/metrics"
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    for name in names {
      guard let text = try? String(contentsOfFile: "\(root)/\(name)", encoding: .utf8) else {
        continue
      }
      let kept = text.split(separator: "\n").filter { line in
        line.split(separator: " ").last.flatMap { Int($0) }.map { $0 <= step } ?? false
      }
      try writeAtomically(Data(kept.map { $0 + "\n" }.joined().utf8), to: "\(root)/\(name)")
    }
  }

  private func write(_ text: String, to name: String) throws {
    try writeAtomically(Data(text.utf8), to: "\(folder)/\(name)")
  }

  private static func append(_ line: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FormatError.cannotCreate(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    guard Foundation.write(descriptor, line, line.utf8.count) == line.utf8.count else {
      throw FormatError.writeFailed(path: path, reason: String(cString: strerror(errno)))
    }
  }

  private static func makeFolder(_ path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FormatError.cannotCreate(path: path, reason: error.localizedDescription)
    }
  }

  private static func quoted(_ text: String) -> String { PlainValue.text(text).json }

  private static func milliseconds(_ date: Date) -> Int {
    Int((date.timeIntervalSince1970 * 1000).rounded())
  }

  /// Of a parameter, in characters.
  private static let longestValue = 6000
}
