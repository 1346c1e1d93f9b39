import Foundation
import Formats
package import Recipes

/// Parity cases: what passed, what failed, what was skipped and why.
package struct VerifyReport: Sendable, Codable {
  /// A case that is not a model, or of a family or method that is not offered.
  package struct Skipped: Sendable, Codable, Equatable {
    package var name: String
    package var kind: String
  }

  package var cases: [Verdict] = []
  package var skipped: [Skipped] = []
  package var passed = 0
  package var failed = 0

  package var exitCode: ExitCode { failed == 0 ? .done : .failed }
}

/// Builds the model that each parity case describes, runs it and compares.
///
/// - Parameters:
///   - paths: JSON files, folders of adapter cases (with `fixture.json`), or folders of cases.
///   - tolerance: of the pass rule.
///   - progress: called after each case.
/// - Returns: the verdicts, and what was skipped.
/// - Throws: where a case cannot be read or a folder holds none (exit 65), or a path is missing (66).
package func verify(
  _ paths: [String], tolerance: Double = 1e-4, progress: (Verdict) -> Void = { _ in }
) throws -> VerifyReport {
  var report = VerifyReport()
  for path in paths {
    var found = 0
    for item in try caseFiles(path) {
      guard let parityCase = try ParityCase(path: item) else { continue }
      found += 1
      guard let run = try parityRun(parityCase) else {
        report.skipped.append(
          .init(name: parityCase.name, kind: parityCase.adapter ?? parityCase.kind))
        continue
      }
      let verdict = try Verdict(parityCase, run, tolerance: tolerance)
      report.cases.append(verdict)
      if verdict.passed { report.passed += 1 } else { report.failed += 1 }
      progress(verdict)
    }
    if found == 0 { throw VerifyError("\(path): holds no parity case (attune-case/1)") }
  }
  return report
}

/// What our model gives for a case; nil for a kind, family or method that is not offered.
private func parityRun(_ parityCase: ParityCase) throws -> ParityRun? {
  if parityCase.adapter == CoLoRAFieldParity.method, parityCase.folder != nil {
    return try CoLoRAFieldParity.run(parityCase)
  }
  if parityCase.adapter != nil, parityCase.folder != nil {
    guard AdapterParity.offers(parityCase, .standard) else { return nil }
    return try AdapterParity.run(parityCase, .standard)
  }
  guard parityCase.isModelLevel, parityCase.adapter == nil,
    let family = parityFamilies.first(where: { $0.name == parityCase.family })
  else { return nil }
  return try family.run(parityCase)
}

/// The JSON files of a path, adapter cases by their `fixture.json`, in order of names.
private func caseFiles(_ path: String) throws -> [String] {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw FormatError.fileMissing(path: path)
  }
  guard isFolder.boolValue else { return [path] }
  let own = path + "/fixture.json"
  if FileManager.default.fileExists(atPath: own) { return [own] }
  let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  return names.compactMap { name in
    let item = path + "/" + name
    if name.hasSuffix(".json") { return item }
    let inner = item + "/fixture.json"
    return FileManager.default.fileExists(atPath: inner) ? inner : nil
  }
}
