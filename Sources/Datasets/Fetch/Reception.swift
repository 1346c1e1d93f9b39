import Foundation
import FoundationNetworking
import Recipes
import Synchronization

/// One request for the rest of a file, and what its response means for the part that is there.
final class Reception: HTTPRequest.Receiver {
  enum Outcome {
    case complete
    /// Try again after a pause, which the server may have named.
    case again(reason: String, pause: Double?)
    /// Ask at once for what is missing.
    case goOn
    /// The part is of no use.
    case restart(reason: String)
  }

  /// What the response decided.
  private enum Verdict {
    case receiving
    case status(Int, pause: Double?)
    case changed(String)
    case refused(FetchError)
  }

  private struct State {
    var verdict: Verdict?
    /// Bytes of the whole file, as far as known.
    var total: Int?
    var takesRanges = false
    var error: FetchError?
  }

  private let part: PartialFile
  private let file: DataCard.File
  private let address: URL
  private let policy: FetchPolicy
  /// Bytes that were there before the request.
  private let offset: Int
  private let origin: PartialFile.Origin?
  private let state = Mutex(State())

  init(part: PartialFile, file: DataCard.File, address: URL, policy: FetchPolicy) {
    self.part = part
    self.file = file
    self.address = address
    self.policy = policy
    origin = part.origin
    // Without a digest to compare in the end, only the server can say that the part still fits.
    let canResume = part.origin?.validator != nil || file.digest != nil
    offset = canResume ? part.length : 0
  }

  func run() throws -> Outcome {
    if offset == 0, part.length > 0 { try part.restart() }
    var headers: [String: String] = [:]
    if offset > 0 {
      headers["Range"] = "bytes=\(offset)-"
      headers["If-Range"] = origin?.validator
    }
    let ending = HTTPRequest(receiver: self).run(
      address, headers: headers, timeout: policy.timeout,
      canResume: { self.state.withLock { $0.takesRanges } }, poll: poll)
    let (verdict, total, error) = state.withLock { ($0.verdict, $0.total, $0.error) }
    if let error {
      try? part.pause()
      throw error
    }
    if case .stopped = ending {
      try part.pause()
      throw FetchError.stopped(path: part.path)
    }
    switch (ending, verdict) {
    case (.misled(let target), _):
      throw FetchError.refusedRedirection(from: address, to: target)
    case (_, .refused(let error)): throw error
    case (_, .changed(let reason)): return .restart(reason: reason)
    case (_, .status(let status, let pause)): return try outcome(ofStatus: status, pause)
    case (.overrun, _): return .goOn
    case (.failed(let reason), _): return .again(reason: reason, pause: nil)
    case (.complete, .receiving):
      guard let total, part.length < total else { return .complete }
      return .again(
        reason: "the connection ended at \(part.length) of \(total) bytes", pause: nil)
    default: return .again(reason: "no response that can be read", pause: nil)
    }
  }

  private func poll() -> Bool {
    policy.report(
      .progress(
        path: file.path, bytes: part.length, total: state.withLock { $0.total } ?? file.bytes,
        resumed: offset))
    return !policy.isStopped()
  }

  private func outcome(ofStatus status: Int, _ pause: Double?) throws -> Outcome {
    switch status {
    case 404, 410: throw FetchError.missing(address: address.absoluteString, status: status)
    case 416: return .restart(reason: "the server has fewer bytes than the part")
    case 408, 425, 429, 500...599: return .again(reason: "status \(status)", pause: pause)
    default: throw FetchError.refused(address: address.absoluteString, status: status)
    }
  }

  // MARK: HTTPRequest.Receiver

  func begin(_ response: HTTPURLResponse) -> Bool {
    let verdict = judged(response)
    state.withLock { $0.verdict = verdict }
    if case .receiving = verdict { return true }
    return false
  }

  private func judged(_ response: HTTPURLResponse) -> Verdict {
    func header(_ name: String) -> String? { response.value(forHTTPHeaderField: name) }
    var found = PartialFile.Origin(address: address.absoluteString)
    found.tag = header("ETag").flatMap { $0.hasPrefix("W/") ? nil : $0 }
    found.date = header("Last-Modified")
    do throws(FetchError) {
      switch response.statusCode {
      case 200:
        let isPacked = header("Content-Encoding").map { $0 != "identity" } ?? false
        let length = response.expectedContentLength
        found.totalBytes = !isPacked && length >= 0 ? Int(length) : nil
        if part.length > 0 {
          policy.report(.restart(path: file.path, reason: "the server sends the whole file"))
          try part.restart()
        }
        state.withLock { $0.takesRanges = header("Accept-Ranges") == "bytes" }
      case 206:
        guard let range = ContentRange(header("Content-Range") ?? ""), range.start == offset else {
          return .changed("the server sends another part than it was asked for")
        }
        found.totalBytes = range.total
        if let tag = origin?.tag, let other = found.tag, tag != other {
          return .changed("the file has changed on the server")
        }
        if let total = origin?.totalBytes, let other = range.total, total != other {
          return .changed("the file has another size on the server")
        }
        state.withLock { $0.takesRanges = true }
      default:
        return .status(response.statusCode, pause: header("Retry-After").flatMap { Double($0) })
      }
      if let total = found.totalBytes {
        try Self.require(total, of: file, at: part.path)
        try Self.requireSpace(for: total - part.length, at: part.path, policy)
      }
      state.withLock { $0.total = found.totalBytes ?? file.bytes }
      try part.begin(found)
      return .receiving
    } catch {
      return .refused(error)
    }
  }

  func receive(_ data: Data) -> Bool {
    do throws(FetchError) {
      if let total = state.withLock({ $0.total }), part.length + data.count > total {
        throw FetchError.sizeDiffers(
          path: part.path, expected: total, found: part.length + data.count)
      }
      try part.append(data)
      return true
    } catch {
      state.withLock { $0.error = error }
      return false
    }
  }

  // MARK: Rules

  /// Refuses a size that is not the card's.
  static func require(
    _ bytes: Int, of file: DataCard.File, at path: String
  ) throws(FetchError) {
    if let expected = file.bytes, expected != bytes {
      throw .sizeDiffers(path: path, expected: expected, found: bytes)
    }
  }

  /// Refuses what the disk cannot hold.
  static func requireSpace(
    for bytes: Int, at path: String, _ policy: FetchPolicy
  ) throws(FetchError) {
    if let free = policy.freeBytes(path), bytes > free {
      throw .noSpace(path: path, needed: bytes, free: free)
    }
  }
}

extension FetchError {
  fileprivate static func refusedRedirection(from address: URL, to target: String) -> FetchError {
    .serverAway(
      address: address.absoluteString,
      reason: "it leads to \(target), which is not followed from there", tries: 1)
  }
}

/// `bytes START-END/TOTAL` of a partial response (RFC 9110, 14.4).
struct ContentRange: Equatable {
  let start: Int
  /// Nil for `*`.
  let total: Int?

  init?(_ text: String) {
    guard let match = text.wholeMatch(of: /bytes (\d+)-\d+\/(\d+|\*)/), let start = Int(match.1)
    else { return nil }
    self.start = start
    total = Int(match.2)
  }
}
