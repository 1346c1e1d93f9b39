internal import Foundation
package import Recipes
internal import Synchronization

/// A finished run as a report sees it: its record and the events of its training.
package struct RunDocument: Sendable {
  package var record: RunRecord
  package var steps: [StepEvent]
  package var evaluations: [MetricsEvent]
  /// The run's folder, as the reader should see it.
  package var directory: String

  package init(
    record: RunRecord, steps: [StepEvent], evaluations: [MetricsEvent], directory: String
  ) {
    self.record = record
    self.steps = steps
    self.evaluations = evaluations
    self.directory = directory
  }

  /// Reads `record.json`, `steps.jsonl` and `metrics.jsonl` of a run's folder; the last may be absent,
  /// as with `tracking.jsonl: false`.
  ///
  /// - Throws: `ReportError` naming the file and line that is missing or cannot be read.
  package init(directory: String) throws(ReportError) {
    let folder = URL(filePath: directory, directoryHint: .isDirectory)
    record = try Self.decode(
      RunRecord.self, try Self.content(of: folder.appending(path: "record.json")),
      from: folder.appending(path: "record.json").path)
    // Line 0 of steps.jsonl holds the digest of the starting values, not a step.
    steps = try Self.lines(of: folder.appending(path: "steps.jsonl"), skipping: 1)
    let metrics = folder.appending(path: "metrics.jsonl")
    evaluations =
      FileManager.default.fileExists(atPath: metrics.path)
      ? try Self.lines(of: metrics, skipping: 0) : []
    self.directory = directory
  }

  private static func content(of file: URL) throws(ReportError) -> Data {
    do { return try Data(contentsOf: file) } catch {
      throw .fileMissing(path: file.path)
    }
  }

  private static func lines<Event: Decodable>(
    of file: URL, skipping: Int
  ) throws(ReportError) -> [Event] {
    var events: [Event] = []
    let lines = try content(of: file).split(separator: UInt8(ascii: "\n"))
    for (number, line) in lines.enumerated().dropFirst(skipping) {
      events.append(try decode(Event.self, Data(line), from: "\(file.path):\(number + 1)"))
    }
    return events
  }

  private static func decode<Value: Decodable>(
    _: Value.Type, _ data: Data, from place: String
  ) throws(ReportError) -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do { return try decoder.decode(Value.self, from: data) } catch {
      throw .unreadable(place: place, reason: String(describing: error))
    }
  }
}

extension RunDocument {
  /// The evaluation that the report leads with: the last one on the test part, or the last.
  var mainEvaluation: RunRecord.Evaluation? {
    record.evaluations.last { $0.split == "test" } ?? record.evaluations.last
  }

  /// Recipe settings by dotted key; none where the recipe cannot be read, see `recipeProblem`.
  var settings: [String: String] { (try? readSettings()) ?? [:] }

  /// Why the recipe in the record cannot be read.
  var recipeProblem: ReportError? {
    do {
      _ = try readSettings()
      return nil
    } catch {
      return error
    }
  }

  private func readSettings() throws(ReportError) -> [String: String] {
    let recipe = record.recipe
    if let known = Self.readRecipes.withLock({ $0[recipe] }) { return known }
    let settings = try RecipeSettings.flattened(
      recipe, of: "\(directory), recipe of the record")
    Self.readRecipes.withLock { $0[recipe] = settings }
    return settings
  }

  /// Recipes that were read, by their text: a comparison asks for settings once for every pair of runs.
  private static let readRecipes = Mutex<[String: [String: String]]>([:])

  /// The metric that chose the best checkpoint, and whether lower is better.
  var monitored: (name: String, lowerIsBetter: Bool)? {
    let settings = settings
    guard let headline = mainEvaluation?.headline else { return nil }
    let name = settings["train.monitor"] ?? "val/\(headline)"
    if let mode = settings["train.mode"] { return (name, mode == "min") }
    let bare = name.split(separator: "/").last.map(String.init) ?? name
    let metric = record.evaluations.lazy.flatMap(\.metrics).first { $0.name == bare }
    return (name, metric?.lowerIsBetter ?? true)
  }

  /// Best value of the monitored metric over all evaluations, with its step.
  var bestMonitored: (value: Double, step: Int)? {
    guard let (name, lowerIsBetter) = monitored else { return nil }
    let values = evaluations.compactMap { event in
      event.metrics[name].map { (value: $0, step: event.step) }
    }.filter(\.value.isFinite)
    return values.min { lowerIsBetter ? $0.value < $1.value : $0.value > $1.value }
  }
}

extension RunRecord.Evaluation {
  func metric(_ name: String) -> RunRecord.Metric? { metrics.first { $0.name == name } }
  func baselineMetric(_ name: String) -> RunRecord.Metric? { baseline.first { $0.name == name } }

  /// The headline metric, and its form over rollouts where there is one.
  var leadingMetrics: [String] {
    [headline, "\(headline)_rollout"].filter { metric($0) != nil }
  }

  /// What one independent unit is called, in the plural.
  func unitName(in record: RunRecord) -> String { record.data.splits[split]?.unitName ?? "units" }
}

extension RunRecord {
  var trainedShare: Double {
    Double(model.trainableParameters) / Double(max(1, model.totalParameters))
  }
  /// Bytes of all adapter files.
  var adapterBytes: Int { model.adapters.reduce(0) { $0 + $1.fileBytes } }
}
