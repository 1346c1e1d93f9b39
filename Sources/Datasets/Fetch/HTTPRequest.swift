import Foundation
import FoundationNetworking
import Synchronization

/// One GET request whose body goes to a receiver as it arrives.
///
/// Where data come faster than the receiver takes them, the request is given up as `.overrun`, for the
/// caller to go on behind what was received: so memory stays bounded. A server that gives no parts
/// cannot be slowed down in this way; what waits from it is held.
final class HTTPRequest: NSObject, URLSessionDataDelegate, Sendable {
  /// How a request ended.
  enum Ending: Sendable, Equatable {
    case complete
    /// The receiver did not want the response, or no more of it.
    case declined
    case overrun
    case stopped
    /// The connection failed, in the system's words.
    case failed(String)
    /// A redirection to an address that is not followed.
    case misled(String)
  }

  /// Takes the response and its body, on the queue of the session, one after the other.
  protocol Receiver: Sendable {
    /// False declines the body.
    func begin(_ response: HTTPURLResponse) -> Bool
    /// False ends the request.
    func receive(_ data: Data) -> Bool
  }

  private struct State {
    var isDeclined = false
    var isOverrun = false
    var misleading: String?
    var ending: Ending?
  }

  private let receiver: any Receiver
  private let queue = OperationQueue()
  private let done = DispatchSemaphore(value: 0)
  private let state = Mutex(State())

  /// Most pieces of data waiting for the receiver, of 16 to 64 KiB each as the system cuts them.
  private static let waitingLimit = 1024

  init(receiver: any Receiver) {
    self.receiver = receiver
    queue.maxConcurrentOperationCount = 1
  }

  /// Sends the request and waits for its end.
  ///
  /// - Parameters:
  ///   - address: `http` or `https`.
  ///   - headers: besides those that every request has.
  ///   - timeout: seconds without any data after which it fails.
  ///   - canResume: whether an overrun may be answered by another request.
  ///   - poll: called some times a second; false stops the request.
  /// - Returns: How it ended.
  func run(
    _ address: URL, headers: [String: String], timeout: Double, canResume: @Sendable () -> Bool,
    poll: () -> Bool
  ) -> Ending {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = timeout
    configuration.httpCookieStorage = nil
    configuration.urlCache = nil
    let session = URLSession(configuration: configuration, delegate: self, delegateQueue: queue)
    var request = URLRequest(url: address)
    request.setValue("attune", forHTTPHeaderField: "User-Agent")
    // A server that packs what it sends would change lengths and places.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let task = session.dataTask(with: request)
    task.resume()
    var isStopped = false
    while done.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
      if !isStopped, !poll() {
        isStopped = true
        task.cancel()
      }
      if queue.operationCount > Self.waitingLimit, canResume() {
        state.withLock { $0.isOverrun = true }
        task.cancel()
      }
    }
    session.finishTasksAndInvalidate()
    return state.withLock { state in
      if isStopped { return .stopped }
      if let address = state.misleading { return .misled(address) }
      if state.isDeclined { return .declined }
      if state.isOverrun { return .overrun }
      return state.ending ?? .failed("the connection ended")
    }
  }

  // MARK: URLSessionDataDelegate

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    let isWanted = (response as? HTTPURLResponse).map(receiver.begin) ?? false
    if !isWanted { decline(dataTask) }
    completionHandler(isWanted ? .allow : .cancel)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    guard !state.withLock({ $0.isDeclined }) else { return }
    if !receiver.receive(data) { decline(dataTask) }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping (URLRequest?) -> Void
  ) {
    let from = response.url?.scheme?.lowercased()
    let to = request.url?.scheme?.lowercased()
    // Never to another kind of address, and never from a protected one to an open one.
    if to == "https" || (to == "http" && from == "http") { return completionHandler(request) }
    state.withLock { $0.misleading = request.url?.absoluteString ?? "an unreadable address" }
    completionHandler(nil)
    task.cancel()
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    state.withLock { $0.ending = error.map { .failed($0.localizedDescription) } ?? .complete }
    done.signal()
  }

  private func decline(_ task: URLSessionTask) {
    state.withLock { $0.isDeclined = true }
    task.cancel()
  }
}
