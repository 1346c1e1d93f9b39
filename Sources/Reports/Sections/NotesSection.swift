internal import Recipes

extension RunSection {
  /// Sentences of the run that the reader must know.
  static let notes = RunSection(title: "Notes") { run in
    run.record.notes.isEmpty ? [] : [.list(run.record.notes)]
  }
}
