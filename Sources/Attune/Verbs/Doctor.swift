import Foundation
import Formats
import Launch
package import Recipes
import Reports
import Tensors

/// What `doctor` found out about the program, its libraries and the machine.
package struct Diagnosis: Codable, Sendable {
  package enum Status: String, Codable, Sendable {
    case ok
    /// Works, but slower or smaller than it could.
    case warning
    /// Something that the program needs is not there.
    case missing
  }

  package struct Finding: Codable, Sendable, Equatable {
    package var name: String
    package var value: String
    package var status: Status
    /// What is wrong and how to mend it; nil where nothing is.
    package var advice: String?
  }

  package var findings: [Finding]

  /// 69 where something required is missing.
  package var exitCode: ExitCode {
    findings.contains { $0.status == .missing } ? .unavailable : .done
  }
}

/// Looks at this machine, with `environment` and the disk of the folder `place`.
package func diagnosis(
  environment: [String: String] = ProcessInfo.processInfo.environment,
  place: String = FileManager.default.currentDirectoryPath
) -> Diagnosis {
  var diagnosis = Diagnosis(findings: [])
  let machine = MachineInfo.current
  diagnosis.note("program", "attune \(programVersion)")
  diagnosis.note("system", machine.system)
  diagnosis.note("processor", machine.processor)
  diagnosis.noteKernels(machine, environment)
  diagnosis.noteProducts(environment)
  diagnosis.noteFormats()
  diagnosis.noteThreads(machine)
  diagnosis.noteMemory(machine)
  let free = freeDiskBytes(near: place)
  let isTight = free.map { $0 < 1 << 30 } ?? false
  diagnosis.note(
    "disk", (free.map(Numbers.bytes) ?? "unknown") + " free at \(place)",
    warning: isTight ? "Checkpoints may not fit. Make room, or set output.dir to another disk" : nil
  )
  return diagnosis
}

extension Diagnosis {
  /// GDAL's names of the raster formats that data sets are read from and predictions written to.
  private static let requiredDrivers = ["GTiff", "ENVI", "MEM"]

  fileprivate mutating func note(_ name: String, _ value: String, warning: String? = nil) {
    findings.append(
      Finding(
        name: name, value: value, status: warning == nil ? .ok : .warning, advice: warning))
  }

  fileprivate mutating func noteKernels(_ machine: MachineInfo, _ environment: [String: String]) {
    note("instruction sets", machine.instructionSets.joined(separator: " "))
    let cap = environment["ATTUNE_ISA"]
    note(
      "kernels", kernelInstructionSet,
      warning: cap.map { "ATTUNE_ISA=\($0) caps them. Unset it for the fastest that run here" })
  }

  fileprivate mutating func noteProducts(_ environment: [String: String]) {
    note("OpenBLAS", openBLASDescription)
    let forced = environment["OPENBLAS_CORETYPE"]
    note(
      "OpenBLAS kernels", openBLASCore,
      warning: forced.map {
        "OPENBLAS_CORETYPE=\($0) forces them. Unset it: OpenBLAS finds the fastest itself"
      })
    note(
      "oneDNN", oneDNNVersion ?? "not built in",
      warning: oneDNNVersion == nil
        ? "Products run on OpenBLAS, slower. Install libdnnl-dev and build again" : nil)
  }

  fileprivate mutating func noteFormats() {
    for library in formatLibraryVersions { note(library.name, library.version) }
    let missing = missingRasterDrivers(of: Self.requiredDrivers)
    findings.append(
      Finding(
        name: "GDAL drivers", value: Self.requiredDrivers.joined(separator: ", "),
        status: missing.isEmpty ? .ok : .missing,
        advice: missing.isEmpty
          ? nil
          : "GDAL lacks \(missing.joined(separator: ", ")). Unset GDAL_SKIP, or install a GDAL with "
            + "them (libgdal-dev)"))
  }

  fileprivate mutating func noteThreads(_ machine: MachineInfo) {
    let threads = ProcessInfo.processInfo.activeProcessorCount
    let limit = machine.processorLimit
    let isAbove = limit.map { $0 < Double(threads) } ?? false
    note(
      "threads",
      "\(threads) by default, \(machine.processorCount) processors"
        + (limit.map { ", limited to the time of \($0.formatted())" } ?? ""),
      warning: isAbove ? "More threads than processor time. Set distributed.threads lower" : nil)
  }

  fileprivate mutating func noteMemory(_ machine: MachineInfo) {
    let limit = machine.memoryLimitBytes
    note(
      "memory",
      Numbers.bytes(machine.memoryBytes)
        + (limit.map { ", limited to \(Numbers.bytes($0))" } ?? ""))
  }
}
