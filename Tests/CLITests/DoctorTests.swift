import Foundation
import TestSupport
import Testing

@Suite("doctor")
struct DoctorTests {
  private struct Finding: Decodable, Equatable {
    let name: String
    let value: String
    let status: String
    let advice: String?
  }
  private struct Diagnosis: Decodable { let findings: [Finding] }

  /// Findings by name, and the exit code.
  private func findings(
    _ environment: [String: String]
  ) async throws -> (found: [String: Finding], exitCode: Int32) {
    let clean = ["OPENBLAS_CORETYPE": "", "ATTUNE_ISA": "", "GDAL_SKIP": ""]
    let outcome = try await Binary.run(
      ["doctor", "--json"], environment: clean.merging(environment) { $1 })
    let diagnosis = try JSONDecoder().decode(
      Diagnosis.self, from: Data(outcome.standardOutput.utf8))
    let found = Dictionary(uniqueKeysWithValues: diagnosis.findings.map { ($0.name, $0) })
    return (found, outcome.exitCode)
  }

  @Test("names program, libraries, kernels, threads, memory and disk")
  func names() async throws {
    let (found, exitCode) = try await findings([:])
    #expect(exitCode == 0)
    for name in [
      "program", "system", "processor", "instruction sets", "kernels", "OpenBLAS",
      "OpenBLAS kernels", "oneDNN", "GDAL", "GDAL drivers", "HDF5", "libpng", "zlib", "threads",
      "memory", "disk",
    ] {
      #expect(found[name]?.value.isEmpty == false, "\(name)")
    }
    #expect(found["HDF5"]?.value.contains(/^\d+\.\d+\.\d+$/) == true)
    #expect(found["OpenBLAS"]?.value.hasPrefix("OpenBLAS ") == true)
    let warned = found.values.filter { $0.status != "ok" }.map(\.name)
    #expect(Set(warned).isSubset(of: ["oneDNN", "threads", "disk"]))
    let text = try await Binary.run(["doctor"])
    #expect(text.exitCode == 0 && text.standardOutput.contains("GDAL drivers"))
  }

  @Test("warns of what the environment forces, with the kernels that follow from it")
  func forced() async throws {
    let (found, exitCode) = try await findings([
      "OPENBLAS_CORETYPE": "Nehalem", "ATTUNE_ISA": "default",
    ])
    #expect(exitCode == 0)
    let blas = try #require(found["OpenBLAS kernels"])
    #expect(blas.status == "warning" && blas.advice?.contains("OPENBLAS_CORETYPE=Nehalem") == true)
    let kernels = try #require(found["kernels"])
    #expect(kernels.status == "warning" && kernels.advice?.contains("ATTUNE_ISA=default") == true)
    #expect(kernels.value == "default")
    #if arch(x86_64)
      #expect(blas.value == "Nehalem")
    #endif
  }

  @Test("ends with 69 where a required driver is missing, and names it")
  func missing() async throws {
    let (found, exitCode) = try await findings(["GDAL_SKIP": "ENVI"])
    #expect(exitCode == 69)
    let drivers = try #require(found["GDAL drivers"])
    #expect(drivers.status == "missing" && drivers.advice?.contains("GDAL lacks ENVI") == true)
  }
}
