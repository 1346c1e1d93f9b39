package import Foundation
package import Synchronization

/// A tiny HTTP server on 127.0.0.1 that gives one file, with faults on demand.
///
/// It knows GET, `Range: bytes=N-` and `If-Range`, and closes each connection after its response.
package final class LoopbackServer: Sendable {
  /// What the next response does; then the server behaves.
  package enum Fault: Sendable {
    /// Sends so many bytes of the body, then closes.
    case cut(after: Int)
    case status(Int, headers: [String: String] = [:])
    case redirect(to: String)
    /// Sends the body in pieces with pauses.
    case slow(piece: Int, milliseconds: Int)
    /// Sends so much of the body, then nothing until the client goes away.
    case stall(after: Int)
    /// Answers nothing until the client goes away.
    case silent
    /// Gives another part than was asked for.
    case wrongPart
  }

  /// What the server knows and has seen.
  package struct State: Sendable {
    package var content: Data
    package var tag: String? = "\"v1\""
    package var date: String?
    package var honorsRanges = true
    /// Faults of the next responses, first to last.
    package var faults: [Fault] = []
    package var requests: [Request] = []
    package var sentBytes = 0
  }

  package struct Request: Sendable {
    package let path: String
    /// Names in lower case.
    package let headers: [String: String]
  }

  package let state: Mutex<State>
  package let port: UInt16
  private let listener: Int32

  /// Starts to serve at once, on a port that the system chooses.
  package init(_ content: Data) throws {
    state = Mutex(State(content: content))
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else { throw CocoaError(.fileNoSuchFile) }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        guard let server = self else {
          close(connection)
          return
        }
        Thread.detachNewThread { server.serve(connection) }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  /// Address of a path; every path leads to the same content.
  package func address(_ path: String = "file.bin") -> String { "http://127.0.0.1:\(port)/\(path)" }

  /// Looks at or changes the state.
  package func with<Result>(_ body: (inout State) -> sending Result) -> sending Result {
    state.withLock { body(&$0) }
  }

  /// Requests so far.
  package var requests: [Request] { state.withLock { $0.requests } }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    var head = Data()
    var buffer = [UInt8](repeating: 0, count: 4096)
    while head.range(of: Data("\r\n\r\n".utf8)) == nil {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      head += buffer[..<count]
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let request = Request(path: String(words[1]), headers: headers)
    let (known, fault) = state.withLock { state in
      state.requests.append(request)
      return (state, state.faults.isEmpty ? nil : state.faults.removeFirst())
    }
    answer(request, known, fault, on: connection)
  }

  private func answer(
    _ request: Request, _ known: State, _ fault: Fault?, on connection: Int32
  ) {
    switch fault {
    case .status(let status, let headers):
      return send(head(status, headers.merging(["Content-Length": "4"]) { $1 }), "gone", connection)
    case .redirect(let target):
      return send(head(302, ["Location": target, "Content-Length": "0"]), "", connection)
    case .silent:
      return waitForEnd(connection)
    default: break
    }
    var headers = ["Accept-Ranges": known.honorsRanges ? "bytes" : "none"]
    headers["ETag"] = known.tag
    headers["Last-Modified"] = known.date
    var start = 0
    if known.honorsRanges, let range = request.headers["range"],
      let first = range.split(separator: "=").last?.split(separator: "-").first.flatMap({ Int($0) })
    {
      let condition = request.headers["if-range"]
      if condition == nil || condition == known.tag || condition == known.date { start = first }
    }
    let total = known.content.count
    guard start == 0 || start < total else {
      return send(head(416, ["Content-Range": "bytes */\(total)"]), "", connection)
    }
    var shown = start
    if case .wrongPart = fault { shown += 1 }
    if start > 0 { headers["Content-Range"] = "bytes \(shown)-\(total - 1)/\(total)" }
    headers["Content-Length"] = "\(total - start)"
    var body = known.content.dropFirst(start)
    if case .cut(let count) = fault { body = body.prefix(count) }
    guard write(Data(head(start > 0 ? 206 : 200, headers).utf8), connection) else { return }
    if case .stall(let count) = fault {
      if write(Data(body.prefix(count)), connection) { waitForEnd(connection) }
      return
    }
    guard case .slow(let piece, let milliseconds) = fault else {
      _ = write(Data(body), connection)
      return
    }
    while !body.isEmpty {
      guard write(Data(body.prefix(piece)), connection) else { return }
      body = body.dropFirst(piece)
      usleep(UInt32(1000 * milliseconds))
    }
  }

  /// Returns when the client has gone away.
  private func waitForEnd(_ connection: Int32) {
    var byte: UInt8 = 0
    _ = recv(connection, &byte, 1, 0)
  }

  private func head(_ status: Int, _ headers: [String: String]) -> String {
    let fields = headers.map { "\($0): \($1)\r\n" }.sorted().joined()
    return "HTTP/1.1 \(status) Status\r\n\(fields)Connection: close\r\n\r\n"
  }

  private func send(_ head: String, _ body: String, _ connection: Int32) {
    _ = write(Data((head + body).utf8), connection)
  }

  private func write(_ data: Data, _ connection: Int32) -> Bool {
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.send(
          connection, bytes.baseAddress.map { $0 + done }, bytes.count - done,
          Int32(MSG_NOSIGNAL))
        guard count > 0 else { return false }
        done += count
        state.withLock { $0.sentBytes += count }
      }
      return true
    }
  }
}
