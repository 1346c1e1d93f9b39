package import Datasets
import Foundation
package import Launch
import Recipes
import Synchronization

/// What `data fetch` did.
package struct FetchSummary: Codable, Sendable {
  package var card: String
  package var title: String
  package var license: String
  /// Absolute path of the data set's folder.
  package var folder: String
  package var files: [CardFetch.Outcome]
  /// What a user must know: the license's address, digests that the card lacks.
  package var notes: [String]

  /// Path, size and state of each file.
  package var fileLines: [String] { files.map(\.line) }
}

/// Downloads a data set by its card.
///
/// - Parameters:
///   - reference: Name of a shipped card, or the path of a card file.
///   - folder: Where it goes; nil takes `data/NAME` below the current folder.
///   - only: Patterns of files; empty for all.
///   - isDryRun: Whether nothing is downloaded, and the files are only named.
///   - reporter: Shows how it goes on.
/// - Returns: What became of each file.
/// - Throws: `FetchError`, `RecipeError` for a wrong card, `CommandLineError` for an unknown one.
package func fetchData(
  _ reference: String, to folder: String?, only: [String], isDryRun: Bool,
  reporter: ProgressReporter
) throws -> FetchSummary {
  let card = try ShippedCards.card(reference)
  let target = FilePath.absolute(folder ?? "data/\(card.name)", relativeTo: FilePath.current)
  var fetch = CardFetch(card, to: target)
  fetch.only = only
  var summary = FetchSummary(
    card: card.name, title: card.title, license: card.license.text, folder: target, files: [],
    notes: card.notes)
  if isDryRun {
    summary.files = try fetch.selected().map(CardFetch.Outcome.init(planned:))
    return summary
  }
  StopRequest.listen()
  fetch.policy.isStopped = { StopRequest.isMade }
  fetch.policy.freeBytes = { freeDiskBytes(near: $0) }
  let clock = TransferClock()
  fetch.policy.report = { clock.show($0, on: reporter) }
  defer { reporter.finish() }
  summary.files = try fetch.run()
  for file in summary.files where !file.isPinned {
    summary.notes.append(
      file.digest.map {
        "\(file.path): the card has no digest to compare; this one is \($0)"
      } ?? "\(file.path): was there before and is not checked, the card has no digest")
  }
  return summary
}

/// Turns events of a fetch into lines, with the time since each file began.
private final class TransferClock: Sendable {
  private let begun = Mutex<(path: String, instant: ContinuousClock.Instant)?>(nil)

  func show(_ event: FetchEvent, on reporter: ProgressReporter) {
    switch event {
    case .progress(let path, let bytes, let total, let resumed):
      reporter.show(
        TransferProgress(
          name: path, bytes: bytes, totalBytes: total, resumedBytes: resumed,
          seconds: seconds(since: path)))
    case .checking: break
    case .retry(let path, let reason, let seconds):
      reporter.message("\(path): \(reason); next try in \(Int(seconds.rounded(.up))) s")
    case .restart(let path, let reason): reporter.message("\(path): \(reason); from the beginning")
    case .unpacking(let path): reporter.message("\(path): unpacking")
    }
  }

  private func seconds(since path: String) -> Double {
    begun.withLock { begun in
      let now = ContinuousClock.now
      if begun?.path != path { begun = (path, now) }
      return (now - (begun?.instant ?? now)) / .seconds(1)
    }
  }
}
