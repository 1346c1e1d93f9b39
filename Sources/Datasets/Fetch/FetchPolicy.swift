/// How hard a fetch tries, and who is told.
package struct FetchPolicy: Sendable {
  /// Tries in a row that bring nothing.
  package var tries = 5
  /// Seconds before the second try; doubled for each further one.
  package var firstPause = 1.0
  /// Seconds without any data after which a try fails.
  package var timeout = 60.0
  /// Bytes free on the disk of a path; nil where that is unknown.
  package var freeBytes: @Sendable (String) -> Int? = { _ in nil }
  /// Asked some times a second.
  package var isStopped: @Sendable () -> Bool = { false }
  package var report: @Sendable (FetchEvent) -> Void = { _ in }

  package init() {}

  /// Longest pause that a server may ask for, in seconds.
  static let longestPause = 120.0
}

/// What happens during a fetch.
package enum FetchEvent: Sendable, Equatable {
  /// Bytes so far of a file, of how many (where that is known); `resumed` of them came earlier.
  case progress(path: String, bytes: Int, total: Int?, resumed: Int)
  case checking(path: String)
  case retry(path: String, reason: String, seconds: Double)
  /// The server gives no part of a file, or has another one now.
  case restart(path: String, reason: String)
  case unpacking(path: String)
}
