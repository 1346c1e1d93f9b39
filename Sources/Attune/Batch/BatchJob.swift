import Foundation
import Launch
import Recipes

/// A job of a batch in the form in which the queue keeps it.
struct BatchJob: Codable, Sendable, Equatable {
  enum Kind: String, Codable, Sendable {
    case train
    /// Does nothing, to time the queue.
    case nothing
  }

  struct Change: Codable, Sendable, Equatable {
    /// As `--set` takes it.
    var text: String
    /// Folder of relative paths in it; nil where it does not matter.
    var directory: String?
  }

  var kind: Kind
  /// Absolute path.
  var recipe: String
  var changes: [Change]

  /// A run of a recipe.
  init(recipe: String, changes: [Override]) {
    kind = .train
    self.recipe = FilePath.absolute(recipe, relativeTo: FilePath.current)
    self.changes = changes.map {
      Change(text: $0.text, directory: $0.isPlaceless ? nil : Self.absolute($0.directory))
    }
  }

  /// A job that does nothing, told from others by its number.
  init(nothing number: Int) {
    kind = .nothing
    recipe = "nothing \(number)"
    changes = []
  }

  /// Nil for what another version of the program wrote.
  init?(payload: String) {
    guard let job = try? JSONDecoder().decode(Self.self, from: Data(payload.utf8)) else {
      return nil
    }
    self = job
  }

  /// The same text for the same job, and another for any other.
  var payload: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// What `train` is to do; `threads` holds where the recipe does not say.
  func request(threads: Int) -> TrainRequest {
    var request = TrainRequest(recipe: recipe)
    request.changes = changes.map { Override($0.text, directory: $0.directory ?? FilePath.current) }
    request.command = command
    request.threads = threads
    request.skipsFinished = true
    return request
  }

  /// The command that repeats the job alone.
  var command: String {
    (["attune", "train", recipe] + changes.flatMap { ["--set", $0.text] }).map(shellQuoted)
      .joined(separator: " ")
  }

  private static func absolute(_ folder: String) -> String {
    FilePath.absolute(folder, relativeTo: FilePath.current)
  }
}
