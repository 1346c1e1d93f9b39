import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Test support")
struct TestSupportTests {
  @Test("finds the package's root")
  func root() {
    #expect(FileManager.default.fileExists(atPath: PackageFolder.url("Package.swift").path))
  }

  @Test("lists the cases of a folder", .enabled(if: Shared.isPresent, "../shared is absent"))
  func fixtures() throws {
    let cases = Fixture.all(in: "morph") { $0.hasPrefix("m") }
    let first = try #require(cases.first)
    #expect(first.name.hasPrefix("morph/m"))
    #expect(cases.allSatisfy { FileManager.default.fileExists(atPath: $0.tensors.path) })
    struct Head: Decodable { let format: String }
    #expect(try first.decoded(as: Head.self).format == "attune-case/1")
    #expect(Fixture.all(in: "no such folder").isEmpty)
  }

  @Test("gives each test a folder of its own and removes it")
  func temporaryDirectory() throws {
    var kept: TemporaryDirectory? = try TemporaryDirectory()
    let path = try #require(try kept?.write("text", to: "a/b.txt"))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "text")
    #expect(try TemporaryDirectory().path != kept?.path)
    kept = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("runs a program with its arguments, environment and directory")
  func program() async throws {
    let folder = try TemporaryDirectory()
    let outcome = try await Program(
      shell, ["-c", "pwd; echo $0 $COLOUR >&2; exit 65", "argument"],
      environment: ["COLOUR": "blue"], in: folder.url
    ).outcome(within: .seconds(20))
    #expect(outcome.exitCode == 65)
    #expect(outcome.standardOutput == folder.path + "\n")
    #expect(outcome.standardError == "argument blue\n")
  }

  @Test("kills a program in the middle")
  func killed() async throws {
    let program = try Program(shell, ["-c", "echo begun; exec sleep 60"])
    #expect(program.signal(SIGKILL) { !program.standardOutput.isEmpty })
    #expect(try await program.outcome(within: .seconds(20)).exitCode == 128 + SIGKILL)
  }

  @Test("says that a program ended before it could be killed")
  func endedBefore() async throws {
    let program = try Program(shell, ["-c", "exit 3"])
    #expect(!program.signal(SIGKILL) { false })
    #expect(try await program.outcome(within: .seconds(20)).exitCode == 3)
  }

  @Test("ends a program that takes too long, and says what it wrote")
  func timeLimit() async throws {
    let program = try Program(shell, ["-c", "echo begun; exec sleep 60"])
    let error = await #expect(throws: ProgramError.self) {
      try await program.outcome(within: .milliseconds(500))
    }
    #expect(error?.description.hasSuffix("It wrote:\nbegun\n") == true)
    #expect(!program.isRunning)
  }

  @Test("finds the built tool beside the tests")
  func binary() async throws {
    #expect(FileManager.default.isExecutableFile(atPath: Binary.url.path))
    let outcome = try await Binary.run(["--help"])
    #expect(outcome.exitCode == 0)
  }

  private let shell = URL(filePath: "/bin/sh")
}
