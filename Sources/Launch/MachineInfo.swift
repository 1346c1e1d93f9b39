internal import Foundation

/// The machine a run used, as `environment.json` records it.
package struct MachineInfo: Codable, Sendable, Equatable {
  package var host: String
  /// Distribution and kernel.
  package var system: String
  /// Model of the processor, as it names itself.
  package var processor: String
  /// Logical processors that this process may run on: what `taskset` or Slurm leave to it.
  package var processorCount: Int
  /// Main memory.
  package var memoryBytes: Int
  /// Vector instruction sets that the processor offers, as Linux spells them, in order of age.
  package var instructionSets: [String]
  /// Memory limit of the control group; nil without one.
  package var memoryLimitBytes: Int?
  /// Processor time limit of the control group, in processors; nil without one.
  package var processorLimit: Double?

  /// This machine, read now.
  package static var current: MachineInfo { MachineInfo(root: "") }

  /// Reads the files that Linux offers below `root`; what is missing is "unknown", zero or nil.
  package init(root: String) {
    func text(_ path: String) -> String {
      (try? String(contentsOfFile: root + path, encoding: .utf8)) ?? ""
    }
    func line(_ path: String) -> String {
      text(path).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let processors = text("/proc/cpuinfo")
    let distribution = value(of: "PRETTY_NAME", separator: "=", in: text("/etc/os-release"))
    let kernel = line("/proc/sys/kernel/osrelease")
    let flags = Set(
      value(of: "flags", separator: ":", in: processors)?.split(separator: " ").map(String.init)
        ?? [])
    let limits = ControlGroupLimits(root: root)

    host = line("/proc/sys/kernel/hostname")
    system = [distribution ?? "unknown system", "Linux", kernel].joined(separator: " ")
    processor = value(of: "model name", separator: ":", in: processors) ?? "unknown"
    processorCount = Launch.processorCount(
      inList: value(of: "Cpus_allowed_list", separator: ":", in: text("/proc/self/status")) ?? "")
    memoryBytes = (kibibytes(named: "MemTotal", in: text("/proc/meminfo")) ?? 0) * 1024
    instructionSets = Self.knownInstructionSets.filter(flags.contains)
    memoryLimitBytes = limits.memoryBytes
    processorLimit = limits.processors
  }

  private static let knownInstructionSets = [
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "avx512_fp16",
  ]
}

/// Number of processors in a list such as `0-3,8`.
func processorCount(inList list: String) -> Int {
  list.split(separator: ",").reduce(0) { sum, range in
    let ends = range.split(separator: "-").compactMap { Int($0) }
    return sum + (ends.isEmpty ? 0 : (ends[ends.count - 1] - ends[0] + 1))
  }
}

/// Text after `name` and the separator in the first line that begins so, without quotes.
private func value(of name: String, separator: Character, in text: String) -> String? {
  for line in text.split(separator: "\n") {
    let parts = line.split(separator: separator, maxSplits: 1)
    guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name else { continue }
    return parts[1].trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
  }
  return nil
}
