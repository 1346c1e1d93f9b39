import Attune
import Foundation
import TestSupport
import Testing

/// Adapters that PEFT and the methods' own programs wrote, on their small models.
@Suite(
  "Adapters beside PEFT and reference programs",
  .enabled(if: Shared.isPresent, "../shared is absent"))
struct AdapterParityTests {
  @Test("every type of PEFT's cases gives its outputs, merged weights, loss and gradients")
  func peft() throws {
    let report = try verify([Shared.path("fixtures/peft")])
    #expect(report.failed == 0, "\(report.cases.filter { !$0.passed })")
    #expect(report.skipped.isEmpty, "\(report.skipped)")
    #expect(report.cases.count == 72)
    for verdict in report.cases where !verdict.name.hasPrefix("base_") {
      Parity.passed("peft/\(verdict.name)")
    }
  }

  @Test("every case gives what the reference program gave")
  func references() throws {
    let report = try verify([Shared.path("fixtures/adapters")])
    #expect(report.failed == 0, "\(report.cases.filter { !$0.passed })")
    #expect(report.skipped.isEmpty, "\(report.skipped)")
    #expect(report.cases.count == 44)
    for verdict in report.cases { Parity.passed("adapters/\(verdict.name)") }
  }
}
