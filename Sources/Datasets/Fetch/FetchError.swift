package import Recipes

/// Why a file of a data set could not be fetched; texts are in `FetchError+Text`.
package enum FetchError: ExitCoded, Equatable {
  /// The publisher wants something first.
  case needsConsent(card: String, terms: DataCard.Terms, missing: [String])
  /// The card names no file.
  case nothingToFetch(card: String, homepage: String?)
  /// No file of the card matches what was asked for.
  case nothingSelected(card: String, patterns: [String], known: [String])
  /// The server does not answer, or not as it should, after all tries.
  case serverAway(address: String, reason: String, tries: Int)
  /// The server answers, but will not give the file.
  case refused(address: String, status: Int)
  /// The server has no such file.
  case missing(address: String, status: Int?)
  /// Another size than the card says, or than the server said at first.
  case sizeDiffers(path: String, expected: Int, found: Int)
  /// What arrived is not what the card names; it is kept under `kept`.
  case digestDiffers(path: String, expected: String, found: String, kept: String)
  /// A file that was there before is not what the card names.
  case presentDiffers(path: String, expected: String, found: String)
  /// A link on the way to the file.
  case leadsOut(path: String, part: String)
  /// Another process writes the same file.
  case inUse(path: String)
  case noSpace(path: String, needed: Int, free: Int)
  case cannotCreate(path: String, reason: String)
  case writeFailed(path: String, reason: String)
  /// A stop was asked for; the next fetch goes on.
  case stopped(path: String)

  package var exitCode: ExitCode {
    switch self {
    case .needsConsent, .nothingToFetch, .serverAway, .refused: .unavailable
    case .nothingSelected: .wrongCommandLine
    case .missing: .inputMissing
    case .sizeDiffers, .digestDiffers, .presentDiffers: .malformedData
    case .leadsOut, .inUse, .cannotCreate: .cannotCreate
    case .noSpace, .writeFailed: .readOrWriteFailed
    case .stopped: .stopped
    }
  }
}
