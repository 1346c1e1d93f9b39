import Foundation
import TestSupport
import Testing

/// What a machine without a working GDAL can still do: files that are no library stand in its place.
@Suite("Without GDAL")
struct MissingGDALTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    for name in ["libgdal.so"] + (26...60).map({ "libgdal.so.\($0)" }) {
      try folder.write("no library", to: "libraries/\(name)")
    }
  }

  private func attune(_ arguments: String...) async throws -> Program.Outcome {
    let others = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"].map { ":" + $0 } ?? ""
    return try await Binary.run(
      arguments, environment: ["LD_LIBRARY_PATH": folder.path("libraries") + others],
      in: folder.url)
  }

  @Test("what opens no raster runs")
  func others() async throws {
    #expect(try await attune("list", "models").exitCode == 0)
    let recipe = "version: 1\nname: small\n"
    try folder.write(recipe, to: "recipe.yaml")
    #expect(try await attune("validate", "recipe.yaml").exitCode == 78)
  }

  @Test("a raster is refused with 69, and the message says what to install")
  func raster() async throws {
    try folder.write("any", to: "scenes/scene.tif")
    let outcome = try await attune("init", "scenes", "-o", "recipe.yaml")
    #expect(outcome.exitCode == 69, "\(outcome.standardError)")
    #expect(outcome.standardError.contains("scene.tif"))
    #expect(outcome.standardError.contains("Install the library"), "\(outcome.standardError)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("recipe.yaml")))
  }

  @Test("doctor names what is missing")
  func doctor() async throws {
    let outcome = try await attune("doctor")
    #expect(outcome.exitCode != 0)
    #expect(outcome.standardOutput.contains("GDAL lacks GTiff"), "\(outcome.standardOutput)")
  }
}
