import Foundation
import Glibc
import Recipes
import TestSupport
import Testing

/// `data fetch` and the cards in `list datasets`, by the built binary.
@Suite("Fetching by the tool")
struct DataFetchTests {
  private struct Summary: Decodable {
    struct File: Decodable {
      let path: String
      let state: String
      let bytes: Int?
      let digest: String?
      let pinned: Bool
    }
    let card: String
    let folder: String
    let files: [File]
    let notes: [String]
  }

  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    try folder.write("abc", to: "source/a.txt")
  }

  private func card(_ file: String, more: String = "") throws {
    try folder.write(
      """
      card: 1
      name: letters
      title: Letters
      summary: The first letters of the alphabet.
      tasks: [classification]
      license: {text: none}
      \(more)
      files:
        - \(file)

      """, to: "letters.yaml")
  }

  private var address: String { "file://\(folder.path("source/a.txt"))" }

  private func attune(_ arguments: String...) async throws -> Program.Outcome {
    try await Binary.run(arguments, in: folder.url)
  }

  private func summary(_ outcome: Program.Outcome) throws -> Summary {
    try JSONDecoder().decode(Summary.self, from: Data(outcome.standardOutput.utf8))
  }

  @Test("a card file is fetched into a folder of its name, then passed over")
  func fetch() async throws {
    try card("{path: in/a.txt, url: \"\(address)\", md5: 900150983cd24fb0d6963f7d28e17f72}")
    let planned = try await attune("data", "fetch", "./letters.yaml", "--dry-run", "--json")
    #expect(try summary(planned).files.map(\.state) == ["planned"])
    let first = try await attune("data", "fetch", "./letters.yaml", "--json")
    try #require(first.exitCode == 0, "\(first.standardError)")
    let done = try summary(first)
    #expect(
      done.files.map(\.state) == ["fetched"] && done.files[0].pinned && done.files[0].bytes == 3)
    #expect(done.folder.hasSuffix("/data/letters") && done.notes.isEmpty)
    let text = try String(contentsOfFile: done.folder + "/in/a.txt", encoding: .utf8)
    #expect(text == "abc")
    let second = try await attune("data", "fetch", "./letters.yaml", "-q")
    #expect(second.exitCode == 0 && second.standardOutput.contains("in/a.txt (3 B): present"))
  }

  @Test("a digest that the card lacks is printed to be pinned")
  func unpinned() async throws {
    try card("{path: a.txt, url: \"\(address)\"}")
    let outcome = try await attune("data", "fetch", "./letters.yaml", "-o", "out", "--json")
    let done = try summary(outcome)
    #expect(!done.files[0].pinned && done.files[0].digest?.hasPrefix("sha256:ba7816bf") == true)
    #expect(done.notes.count == 1 && done.notes[0].contains("sha256:ba7816bf"))
  }

  @Test("killed at any moment, the next fetch goes on, and the bytes are the same")
  func killed() async throws {
    let content = Data((0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
    let server = try LoopbackServer(content)
    let digest = SHA256Digest.of(content)
    try card("{path: a.bin, url: \"\(server.address())\", sha256: \"\(digest)\"}")
    let part = URL(filePath: folder.path("out/a.bin.part"))
    var kills = 0
    // The server stops half-way, so that the program is met at work however busy the machine is.
    for least in [1, 400_000, 900_000, 1_600_000] {
      let held = (try? Data(contentsOf: part).count) ?? 0
      server.with { $0.faults = [.stall(after: least - held + 50_000)] }
      let program = try Binary.start(
        ["data", "fetch", "./letters.yaml", "-o", "out", "-q"], in: folder.url)
      let isKilled = program.signal(SIGKILL) {
        let size = (try? FileManager.default.attributesOfItem(atPath: part.path))?[.size] as? Int
        return size ?? 0 >= least
      }
      if isKilled { kills += 1 }
      _ = try await program.outcome(within: .seconds(60))
    }
    #expect(kills == 4)
    let done = try await attune("data", "fetch", "./letters.yaml", "-o", "out", "--json")
    #expect(try summary(done).files.map(\.state) == ["fetched"])
    #expect(try Data(contentsOf: URL(filePath: folder.path("out/a.bin"))) == content)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path("out"))
    #expect(left == ["a.bin"])
    #expect(server.requests.dropFirst(2).allSatisfy { $0.headers["range"] != nil })
  }

  @Test("a stop by signal ends with 75, and leaves the part")
  func stopped() async throws {
    let server = try LoopbackServer(Data(repeating: 7, count: 1_000_000))
    server.with { $0.faults = [.stall(after: 400_000)] }
    try card("{path: a.bin, url: \"\(server.address())\"}")
    let program = try Binary.start(
      ["data", "fetch", "./letters.yaml", "-o", "out"], in: folder.url)
    let part = folder.path("out/a.bin.part")
    #expect(program.signal(SIGTERM) { FileManager.default.fileExists(atPath: part) })
    let outcome = try await program.outcome(within: .seconds(30))
    #expect(outcome.exitCode == 75 && outcome.standardError.contains("stopped on request"))
    #expect(FileManager.default.fileExists(atPath: folder.path("out/a.bin.part")))
  }

  @Test("each refusal has its exit code")
  func refusals() async throws {
    try card("{path: a.txt, url: \"\(address)\", md5: 000150983cd24fb0d6963f7d28e17f72}")
    let differs = try await attune("data", "fetch", "./letters.yaml")
    #expect(differs.exitCode == 65 && differs.standardError.contains("a.txt.bad"))
    try card("{path: a.txt, url: \"\(address)x\"}")
    #expect(try await attune("data", "fetch", "./letters.yaml").exitCode == 66)
    try card(
      "{path: a.txt}", more: "terms: {text: Ask first., url: \"https://example.org\", place: Here.}"
    )
    let asks = try await attune("data", "fetch", "./letters.yaml")
    #expect(asks.exitCode == 69 && asks.standardError.contains("Ask first."))
    try card("{path: ../a.txt, url: \"\(address)\"}")
    #expect(try await attune("data", "fetch", "./letters.yaml").exitCode == 78)
    #expect(try await attune("data", "fetch", "./nothing.yaml").exitCode == 66)
    let unknown = try await attune("data", "fetch", "salinsa")
    #expect(unknown.exitCode == 64 && unknown.standardError.contains("Did you mean salinas?"))
  }

  @Test("the listing has formats and cards, and fits 80 columns")
  func listing() async throws {
    struct Listing: Decodable {
      struct Format: Decodable { let name: String }
      struct Card: Decodable { let name: String, license: String, fetch: Bool }
      let formats: [Format]
      let cards: [Card]
    }
    let text = try await attune("list", "datasets")
    #expect(text.exitCode == 0 && text.standardOutput.contains("geotiff"))
    let lines = text.standardOutput.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
    let json = try await attune("list", "datasets", "--json")
    let listing = try JSONDecoder().decode(Listing.self, from: Data(json.standardOutput.utf8))
    #expect(listing.formats.contains { $0.name == "geotiff" })
    #expect(listing.cards.first { $0.name == "kodak24" }?.fetch == true)
    #expect(listing.cards.first { $0.name == "drive" }?.fetch == false)
  }
}
