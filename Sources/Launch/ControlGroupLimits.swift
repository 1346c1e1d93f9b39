internal import Foundation

/// What the control groups of this process allow, in both versions of the interface.
///
/// A limit on any level above holds too, so the smallest on the way up to the root counts.
package struct ControlGroupLimits: Equatable {
  package private(set) var memoryBytes: Int?
  /// Processor time per time, in processors.
  package private(set) var processors: Double?

  /// Reads `/proc/self/cgroup` and `/sys/fs/cgroup` below `root`.
  package init(root: String) {
    let groups = (try? String(contentsOfFile: root + "/proc/self/cgroup", encoding: .utf8)) ?? ""
    for line in groups.split(separator: "\n") {
      // hierarchy number : controllers : path
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let controllers = fields[1].split(separator: ",")
      for path in Self.upwards(from: String(fields[2])) {
        if controllers.isEmpty { readUnified(root + "/sys/fs/cgroup" + path) }
        if controllers.contains("memory") { readMemory(root + "/sys/fs/cgroup/memory" + path) }
        if controllers.contains("cpu") { readProcessors(root + "/sys/fs/cgroup/cpu" + path) }
      }
    }
  }

  private mutating func readUnified(_ folder: String) {
    limitMemory(Self.words(folder + "/memory.max").first.flatMap { Int($0) })
    let quotaAndPeriod = Self.words(folder + "/cpu.max").map { Double($0) }
    if quotaAndPeriod.count == 2 { limitProcessors(quotaAndPeriod[0], quotaAndPeriod[1]) }
  }

  private mutating func readMemory(_ folder: String) {
    let bytes = Self.words(folder + "/memory.limit_in_bytes").first.flatMap { Int($0) }
    // Version 1 writes "no limit" as the largest multiple of the page size.
    limitMemory(bytes.flatMap { $0 < Int.max / 2 ? $0 : nil })
  }

  private mutating func readProcessors(_ folder: String) {
    limitProcessors(
      Self.words(folder + "/cpu.cfs_quota_us").first.flatMap { Double($0) },
      Self.words(folder + "/cpu.cfs_period_us").first.flatMap { Double($0) })
  }

  private mutating func limitMemory(_ bytes: Int?) {
    guard let bytes else { return }
    memoryBytes = min(bytes, memoryBytes ?? bytes)
  }

  private mutating func limitProcessors(_ quota: Double?, _ period: Double?) {
    guard let quota, let period, quota > 0, period > 0 else { return }
    processors = min(quota / period, processors ?? .infinity)
  }

  private static func words(_ path: String) -> [Substring] {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split { $0.isWhitespace }
  }

  /// `/a/b` → `/a/b`, `/a`, and the root as an empty text.
  private static func upwards(from path: String) -> [String] {
    let names = path.split(separator: "/")
    return (0...names.count).reversed().map { count in
      names.prefix(count).map { "/" + $0 }.joined()
    }
  }
}
