import Datasets
import Foundation
import Recipes
import Synchronization
import TestSupport
import Testing

@Suite("Fetching data sets")
struct FetchTests {
  private let folder: TemporaryDirectory
  private let server: LoopbackServer
  /// Three megabytes that do not repeat.
  private var content: Data { Self.content }
  private var target: String { folder.path("set") }
  private var file: String { target + "/file.bin" }

  private static let content: Data = {
    var value: UInt64 = 42
    var bytes = Data(capacity: 3_000_003)
    for _ in 0..<3_000_003 {
      value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      bytes.append(UInt8(truncatingIfNeeded: value >> 56))
    }
    return bytes
  }()

  init() throws {
    folder = try TemporaryDirectory()
    server = try LoopbackServer(Self.content)
  }

  /// A card with one file, or with these.
  private func card(_ files: [String]? = nil, more: String = "") throws -> DataCard {
    let standard = "{path: file.bin, url: \"\(server.address())\", sha256: \(digest)}"
    let text = """
      card: 1
      name: set
      title: A set
      summary: Bytes.
      tasks: [pde]
      license: {text: none stated}
      \(more)
      files:
      \((files ?? [standard]).map { "  - \($0)\n" }.joined())
      """
    return try DataCard(file: try folder.write(text, to: "set.yaml"))
  }

  private var digest: String { SHA256Digest.of(content) }

  private func fetch(_ card: DataCard, _ adjust: (inout CardFetch) -> Void = { _ in }) throws
    -> [CardFetch.Outcome]
  {
    var fetch = CardFetch(card, to: target)
    fetch.policy.firstPause = 0.01
    fetch.policy.timeout = 5
    adjust(&fetch)
    return try fetch.run()
  }

  private func bytes(_ path: String? = nil) throws -> Data {
    try Data(contentsOf: URL(filePath: path ?? file))
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: target).sorted()
  }

  @Test("a file is fetched, and passed over the next time")
  func whole() throws {
    let first = try fetch(try card())
    #expect(first.map(\.path) == ["file.bin"] && first.map(\.state) == [.fetched])
    #expect(first.map(\.bytes) == [content.count] && first.map(\.isPinned) == [true])
    #expect(first.map(\.digest) == ["sha256:\(digest)"])
    #expect(try bytes() == content)
    #expect(try names() == ["file.bin"])
    #expect(try fetch(try card()).map(\.state) == [.present])
    #expect(server.requests.count == 1)
    #expect(server.requests[0].headers["accept-encoding"] == "identity")
  }

  @Test("a cut connection is gone on with where it broke, and the bytes are the same")
  func resumes() throws {
    server.with { $0.faults = [.cut(after: 1_000_000), .cut(after: 700_001), .status(503)] }
    _ = try fetch(try card())
    #expect(try bytes() == content)
    let ranges = server.requests.map { $0.headers["range"] }
    #expect(ranges[0] == nil && ranges.dropFirst().allSatisfy { $0 != nil })
    #expect(server.requests.dropFirst().allSatisfy { $0.headers["if-range"] == "\"v1\"" })
    #expect(server.with { $0.sentBytes } < content.count + 4096)
  }

  @Test("a later fetch goes on with what an earlier one left", arguments: [true, false])
  func later(hasDigest: Bool) throws {
    let known = try card(
      hasDigest ? nil : ["{path: file.bin, url: \"\(server.address())\"}"])
    server.with { $0.faults = [.cut(after: 1_000_000)] + Array(repeating: .status(500), count: 9) }
    let error = #expect(throws: FetchError.self) { try fetch(known) { $0.policy.tries = 3 } }
    #expect(error?.exitCode == .unavailable)
    #expect("\(try #require(error))".contains("after 3 tries"))
    #expect(try names() == ["file.bin.part", "file.bin.part.json"])
    server.with { $0.faults = [] }
    let outcome = try fetch(known)
    #expect(outcome[0].isPinned == hasDigest && outcome[0].digest == "sha256:\(digest)")
    #expect(try bytes() == content)
    #expect(try names() == ["file.bin"])
    #expect(server.requests.last?.headers["range"] == "bytes=1000000-")
  }

  @Test("a server that gives no parts is asked for the whole again")
  func noRanges() throws {
    server.with {
      $0.honorsRanges = false
      $0.faults = [.cut(after: 1_000_000)]
    }
    let restarts = Mutex<[String]>([])
    _ = try fetch(try card()) { fetch in
      fetch.policy.report = { event in
        if case .restart(_, let reason) = event { restarts.withLock { $0.append(reason) } }
      }
    }
    #expect(try bytes() == content)
    #expect(restarts.withLock { $0 } == ["the server sends the whole file"])
  }

  @Test("a file that changed meanwhile is not mixed with its old part")
  func changed() throws {
    let known = try card(["{path: file.bin, url: \"\(server.address())\"}"])
    server.with { $0.faults = [.cut(after: 1_000_000)] }
    _ = #expect(throws: FetchError.self) { try fetch(known) { $0.policy.tries = 1 } }
    let newer = Data(content.reversed())
    server.with {
      $0.content = newer
      $0.tag = "\"v2\""
    }
    _ = try fetch(known)
    #expect(try bytes() == newer)
  }

  @Test("a part of another file, which no server can tell, is found by the digest and left")
  func foreignPart() throws {
    server.with { $0.tag = nil }
    let known = try card()
    server.with { $0.faults = [.cut(after: 1_000_000)] }
    _ = #expect(throws: FetchError.self) { try fetch(known) { $0.policy.tries = 1 } }
    var damaged = try bytes(file + ".part")
    damaged[17] ^= 1
    try damaged.write(to: URL(filePath: file + ".part"))
    _ = try fetch(known)
    #expect(try bytes() == content)
    #expect(server.requests.map { $0.headers["range"] } == [nil, "bytes=1000000-", nil])
  }

  @Test("a wrong part is not appended")
  func wrongPart() throws {
    server.with { $0.faults = [.cut(after: 1_000_000), .wrongPart] }
    _ = try fetch(try card())
    #expect(try bytes() == content)
  }

  @Test("another digest is refused, and what came is kept apart")
  func wrongDigest() throws {
    let other = String(repeating: "0", count: 64)
    let wrong = try card(["{path: file.bin, url: \"\(server.address())\", sha256: \"\(other)\"}"])
    let error = #expect(throws: FetchError.self) { try fetch(wrong) }
    #expect(error?.exitCode == .malformedData)
    #expect(
      error
        == .digestDiffers(
          path: file, expected: "sha256:\(other)", found: "sha256:\(digest)", kept: file + ".bad"))
    #expect(try names() == ["file.bin.bad"])
    #expect(try bytes(file + ".bad") == content)
    #expect(server.requests.count == 1)
  }

  @Test("another size than the card's is refused before anything is stored")
  func wrongSize() throws {
    let wrong = try card(["{path: file.bin, url: \"\(server.address())\", bytes: 12}"])
    let error = #expect(throws: FetchError.self) { try fetch(wrong) }
    #expect(error == .sizeDiffers(path: file, expected: 12, found: content.count))
    #expect(error?.exitCode == .malformedData)
    #expect(try names() == [])
  }

  @Test(
    "what the server answers decides how the fetch ends",
    arguments: [
      (404, ExitCode.inputMissing, 1), (410, .inputMissing, 1), (403, .unavailable, 1),
      (401, .unavailable, 1), (500, .unavailable, 3), (429, .unavailable, 3),
    ])
  func statuses(status: Int, code: ExitCode, requests: Int) throws {
    server.with { $0.faults = Array(repeating: .status(status), count: 9) }
    let known = try card()
    let error = #expect(throws: FetchError.self) { try fetch(known) { $0.policy.tries = 3 } }
    #expect(error?.exitCode == code)
    #expect(server.requests.count == requests)
    #expect(try names() == [])
  }

  @Test("a server that is not there, or says nothing, is away")
  func away() throws {
    server.with { $0.faults = [.silent] }
    let known = try card()
    let silent = #expect(throws: FetchError.self) {
      try fetch(known) {
        $0.policy.tries = 1
        $0.policy.timeout = 1
      }
    }
    #expect(silent?.exitCode == .unavailable)
    let nobody = try card(["{path: file.bin, url: \"http://127.0.0.1:1/file.bin\"}"])
    let refused = #expect(throws: FetchError.self) { try fetch(nobody) { $0.policy.tries = 2 } }
    #expect(refused?.exitCode == .unavailable)
  }

  @Test("a redirection is followed, but never to a local file")
  func redirections() throws {
    server.with { $0.faults = [.redirect(to: server.address("elsewhere"))] }
    _ = try fetch(try card())
    #expect(try bytes() == content)
    #expect(server.requests.map(\.path) == ["/file.bin", "/elsewhere"])
    try FileManager.default.removeItem(atPath: file)
    let local = try folder.write("local", to: "local.bin")
    server.with { $0.faults = Array(repeating: .redirect(to: "file://\(local)"), count: 3) }
    let unpinned = try card(["{path: file.bin, url: \"\(server.address())\"}"])
    _ = try? fetch(unpinned)
    #expect(server.requests.count > 3)
    #expect((try? bytes()) != Data("local".utf8))
  }

  @Test("a stop leaves the part, and the next fetch goes on")
  func stops() throws {
    server.with { $0.faults = [.slow(piece: 100_000, milliseconds: 20)] }
    let known = try card()
    let error = #expect(throws: FetchError.self) {
      try fetch(known) { fetch in
        let isFar = Mutex(false)
        fetch.policy.report = { event in
          if case .progress(_, let bytes, _, _) = event, bytes > 500_000 {
            isFar.withLock { $0 = true }
          }
        }
        fetch.policy.isStopped = { isFar.withLock { $0 } }
      }
    }
    #expect(error?.exitCode == .stopped)
    #expect(try names() == ["file.bin.part", "file.bin.part.json"])
    _ = try fetch(known)
    #expect(try bytes() == content)
    #expect(server.requests.count == 2 && server.requests[1].headers["range"] != nil)
  }

  @Test("a local file is copied, a missing one named")
  func localFile() throws {
    let source = folder.path("source.bin")
    try content.write(to: URL(filePath: source))
    let known = try card(["{path: a/b.bin, url: \"file://\(source)\", sha256: \(digest)}"])
    #expect(try fetch(known)[0].state == .fetched)
    #expect(try bytes(target + "/a/b.bin") == content)
    let missing = try card(["{path: c.bin, url: \"file://\(source)x\"}"])
    let error = #expect(throws: FetchError.self) { try fetch(missing) }
    #expect(error?.exitCode == .inputMissing)
  }

  @Test("nothing is written through a link, or into a folder's place")
  func links() throws {
    let outside = folder.path("outside")
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: target + "/a", withDestinationPath: outside)
    try FileManager.default.createSymbolicLink(
      atPath: target + "/l.bin.part", withDestinationPath: outside + "/l")
    try FileManager.default.createDirectory(
      atPath: target + "/d.bin", withIntermediateDirectories: true)
    for path in ["a/file.bin", "l.bin", "d.bin"] {
      let known = try card(["{path: \(path), url: \"\(server.address())\"}"])
      let error = #expect(throws: FetchError.self) { try fetch(known) }
      #expect(error?.exitCode == .cannotCreate, "\(path)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == [])
  }

  @Test("a file that was there and is another is not overwritten")
  func present() throws {
    let known = try card()
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: URL(filePath: file))
    let error = #expect(throws: FetchError.self) { try fetch(known) }
    #expect(error?.exitCode == .malformedData)
    #expect(try bytes() == Data("mine".utf8))
    let unpinned = try card(["{path: file.bin, url: \"\(server.address())\"}"])
    #expect(try fetch(unpinned).map(\.state) == [.unchecked])
    #expect(server.requests.isEmpty)
  }

  @Test("two fetches of one file do not mix")
  func inUse() throws {
    server.with { $0.faults = [.slow(piece: 100_000, milliseconds: 40)] }
    let known = try card()
    let second = Mutex<FetchError?>(nil)
    let target = target
    _ = try fetch(known) { fetch in
      fetch.policy.report = { event in
        guard case .progress(_, let bytes, _, _) = event, bytes > 0 else { return }
        guard second.withLock({ $0 == nil }) else { return }
        do {
          _ = try CardFetch(known, to: target).run()
        } catch {
          second.withLock { $0 = error as? FetchError }
        }
      }
    }
    #expect(second.withLock { $0?.exitCode } == .cannotCreate)
    #expect(try bytes() == content)
  }

  @Test("what the disk cannot hold is not begun")
  func space() throws {
    let known = try card([
      "{path: file.bin, url: \"\(server.address())\", bytes: \(content.count)}"
    ])
    let early = #expect(throws: FetchError.self) {
      try fetch(known) { $0.policy.freeBytes = { _ in 1000 } }
    }
    #expect(early?.exitCode == .readOrWriteFailed && server.requests.isEmpty)
    let unknown = try card()
    let late = #expect(throws: FetchError.self) {
      try fetch(unknown) { $0.policy.freeBytes = { _ in 1000 } }
    }
    #expect(late == .noSpace(path: file, needed: content.count, free: 1000))
  }

  @Test("terms are named with what is missing, until the files are in place and right")
  func terms() throws {
    let text =
      "terms: {text: An account is needed., url: \"https://example.org\", place: Put it here.}"
    let known = try card(["{path: file.bin, sha256: \(digest)}"], more: text)
    let error = #expect(throws: FetchError.self) { try fetch(known) }
    #expect(error?.exitCode == .unavailable)
    #expect(
      error?.description
        == "set: An account is needed. Not in place yet: file.bin. See https://example.org. Put it here."
    )
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try content.write(to: URL(filePath: file))
    #expect(try fetch(known).map(\.state) == [.present])
    try Data("other".utf8).write(to: URL(filePath: file))
    let other = #expect(throws: FetchError.self) { try fetch(known) }
    #expect(other?.exitCode == .malformedData)
  }

  @Test("only files that are asked for are fetched")
  func selection() throws {
    let known = try card(
      ["a/x.bin", "a/y.bin", "b.bin"].map { "{path: \($0), url: \"\(server.address($0))\"}" })
    _ = try fetch(known) { $0.only = ["*y.bin", "b*"] }
    #expect(server.requests.map(\.path) == ["/a/y.bin", "/b.bin"])
    let error = #expect(throws: FetchError.self) { try fetch(known) { $0.only = ["z*"] } }
    #expect(error?.exitCode == .wrongCommandLine)
    #expect("\(try #require(error))".contains("a/x.bin, a/y.bin, b.bin"))
  }

  @Test("a zip archive is unpacked beside itself, once")
  func unpacking() throws {
    var zip = ZipBuilder()
    zip.add("train/1.txt", Array("one".utf8))
    zip.add("test/2.txt", Array("two".utf8))
    server.with { [data = zip.data] in $0.content = data }
    let known = try card([
      "{path: in/set.zip, url: \"\(server.address())\", unpack: zip}"
    ])
    #expect(try fetch(known).map(\.unpacked) == [2])
    #expect(try bytes(target + "/in/train/1.txt") == Data("one".utf8))
    try FileManager.default.removeItem(atPath: target + "/in/test/2.txt")
    #expect(try fetch(known).map(\.state) == [.unchecked])
    #expect(try bytes(target + "/in/test/2.txt") == Data("two".utf8))
  }

  @Test("a slow server costs no more than its time, and memory stays small")
  func slow() throws {
    server.with { $0.faults = [.slow(piece: 300_000, milliseconds: 30)] }
    let seen = Mutex<[Int]>([])
    _ = try fetch(try card()) { fetch in
      fetch.policy.report = { event in
        if case .progress(_, let bytes, let total, _) = event, total != nil {
          seen.withLock { $0.append(bytes) }
        }
      }
    }
    let bytes = seen.withLock { $0 }
    // How many pieces arrive together is the scheduler's choice.
    #expect(bytes == bytes.sorted() && !bytes.isEmpty)
    #expect(try self.bytes() == content)
  }

  @Test("sizes are told in three figures")
  func sizes() {
    #expect(
      [0, 999, 1000, 1_250, 12_345, 999_600, 47_000_000_000].map(ByteCount.short) == [
        "0 B", "999 B", "1 kB", "1.3 kB", "12 kB", "1 MB", "47 GB",
      ])
  }
}
